"""What catalogues say of their errors, held against their own offsets."""
