"""Slow, obvious twins of fast code, one file a room."""
