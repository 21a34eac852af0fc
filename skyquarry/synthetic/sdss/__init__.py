"""An archive like that of the SDSS's Early Data Release, out of the same truth as all else.

Its tables and columns are those of SkyServer as the twenty queries of Szalay et al. 2000 use them
(SQL of 2002: Gray et al., MSR-TR-2002-01, arXiv cs/0202014). See `design/simulation.md`.
"""
