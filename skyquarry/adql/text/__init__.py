"""From a text to its tree: words, the productions of ADQL 2.1, and errors that say where."""
