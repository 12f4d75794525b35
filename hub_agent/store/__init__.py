"""Memory: the mirror of the home in SQLite."""
