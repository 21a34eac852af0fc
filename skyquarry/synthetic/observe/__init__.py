"""What a survey makes of the truth: depth, noise, blending, astrometry, spurious rows."""
