"""The demo: a shop on Aurora, an application that writes to it, Airflow, and a migration from start to end."""
