"""What is on disk: tiles, HATS metadata, margins, indexes, versions."""
