"""What a match is given: catalogues as sides, their rows as the matcher computes with them."""
