"""Machines over an archive: many questions in one sweep, buckets, rivers, likeness."""
