"""What belongs to our Galaxy: stars, white dwarfs, brown dwarfs, and where they stand."""
