"""Functions of a query: from a name and its arguments to a term."""
