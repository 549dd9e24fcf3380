"""The steps, each an Airflow operator."""
