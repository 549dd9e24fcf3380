"""Pure: facts in, plans and verdicts with their reasons out. No Airflow, AWS, PostgreSQL, clock or network."""
