"""Shipped helpers for tests: made-up skies, slow twins, suites for extension points."""
