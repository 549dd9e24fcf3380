"""Give the package's plugin to an Airflow that looks in this folder; an installed wheel does so by an entry point."""

from pg_cdc.plugin import PgCdcPlugin

__all__ = ["PgCdcPlugin"]
