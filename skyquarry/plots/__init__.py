"""Pictures of catalogues and reports."""
