"""Register with Airflow what it must know by class: the links to the AWS console."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from pg_cdc.links.console import DmsTaskLink, DmsTaskLogsLink, RdsInstanceLink


class PgCdcPlugin(AirflowPlugin):
    """What ``pg_cdc`` adds to Airflow."""

    name = "pg_cdc"
    operator_extra_links = [RdsInstanceLink(), DmsTaskLink(), DmsTaskLogsLink()]  # noqa: RUF012  Airflow's own shape
