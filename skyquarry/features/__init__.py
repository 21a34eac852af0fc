"""Numbers that a classifier learns from: colours, motions, shapes, changes, neighbours, matches.

`features_of` makes them from a table and the role files of its surveys; each family is a file, and
each feature says its unit, formula, source and the columns it needs (`docs/reference/features.md`).
"""
