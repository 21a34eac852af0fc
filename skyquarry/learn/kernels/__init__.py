"""Loops over bare arrays: arrays in, arrays out, numpy and numba only."""
