"""What a run says of itself: rates, tests, doubts, provenance."""
