"""A match brought up to date when a catalogue changes."""
