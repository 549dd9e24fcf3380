"""The rehearsal: AWS's RDS and DMS APIs, strict as AWS is, over real PostgreSQL servers."""
