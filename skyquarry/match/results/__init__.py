"""The tables that an identification gives, in memory and on disk."""
