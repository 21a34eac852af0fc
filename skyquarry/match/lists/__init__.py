"""A short list of positions against an archive."""
