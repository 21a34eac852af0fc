"""Geometry of the sky, in pure arrays; knows no files."""
