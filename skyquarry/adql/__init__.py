"""ADQL: from a text to rows of catalogues and archives. See `design/query.md`."""
