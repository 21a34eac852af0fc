"""A sky whose truth is known: populations with published parameters, seen by real surveys' eyes.

See `design/simulation.md`. Everything here is simulated, and what is made from it says so.
"""
