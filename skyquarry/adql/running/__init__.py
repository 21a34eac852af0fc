"""Running a query: part by part and merged, or whole; what it costs, and what it says."""
