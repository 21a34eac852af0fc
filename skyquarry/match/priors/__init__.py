"""What is probable before positions are compared: sky densities, footprints, magnitudes."""
