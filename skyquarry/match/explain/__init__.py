"""Parts of a run worked out again where somebody asks: why a row was matched, or not."""
