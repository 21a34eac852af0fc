"""Shapes on the sky in a query: as plain SQL, as regions, and as functions of Python."""
