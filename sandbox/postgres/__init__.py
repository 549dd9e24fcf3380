"""Real PostgreSQL servers, arranged as RDS arranges them."""
