"""One identification as passes over patches of the sky."""
