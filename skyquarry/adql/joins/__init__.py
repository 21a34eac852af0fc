"""Tables of a query joined: in which order, read where, and on position by the matcher."""
