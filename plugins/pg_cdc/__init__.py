"""PostgreSQL change data capture on AWS, as Airflow operators. Imports nothing: a DAG pays for what it uses."""
