"""The lazy Catalog, Plans, predicates, and where to run them."""
