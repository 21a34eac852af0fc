"""What changes in the sky: variable stars, quasars, supernovae, asteroids, and their light curves."""
