"""`skyquarry shell`: a session of queries, at a terminal or from a script."""
