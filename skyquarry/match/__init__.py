"""Cross-match: which rows of several catalogues are the same object, and how sure that is."""
