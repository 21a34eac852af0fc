"""What lies beyond our Galaxy: galaxies, quasars, clusters of galaxies."""
