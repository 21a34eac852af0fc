"""From candidate pairs to groups: islands, and which of their groups are objects."""
