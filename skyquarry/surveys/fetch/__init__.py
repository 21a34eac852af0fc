"""Rows of a survey from its own TAP service: cells of the sky, one query each, cached on disk."""
