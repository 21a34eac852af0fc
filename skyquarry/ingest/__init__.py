"""Bring tables of any format in, and write them out again."""
