"""Database Migration Service, on real servers."""
