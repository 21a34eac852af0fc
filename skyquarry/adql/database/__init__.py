"""The database that runs a query: locked down, kept from one to the next, and stopped in time."""
