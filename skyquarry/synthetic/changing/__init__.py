"""What changes: variable stars, quasars, supernovae, asteroids, and their light curves."""
