"""Links from a task to the AWS console. A step persists one as soon as it knows what it works on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

DOMAINS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def console_url(region: str, path: str) -> str:
    """Return the address of ``path`` in the console of ``region``, in its partition."""
    domain = next((domain for prefix, domain in DOMAINS.items() if region.startswith(prefix)), "console.aws.amazon.com")
    return f"https://{region}.{domain}/{path}"


class ConsoleLink(BaseOperatorLink):
    """A link whose address is in XCom from the moment it is known, so that it is there while the task still waits."""

    name: ClassVar[str]

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that the step persisted, or nothing."""
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""

    @classmethod
    def push(cls, context: Mapping[str, Any], url: str) -> None:
        """Keep the address; without a task instance (a step run outside Airflow) do nothing."""
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key=cls().xcom_key, value=url)


class RdsInstanceLink(ConsoleLink):
    """The database a step works on."""

    name = "RDS database"

    @classmethod
    def persist(cls, context: Mapping[str, Any], *, region: str | None, identifier: str, cluster: bool = False) -> None:
        """Point to a DB instance, or to a DB cluster."""
        if region:
            place = f"database:id={quote(identifier)};is-cluster={str(cluster).lower()}"
            cls.push(context, console_url(region, f"rds/home?region={region}#{place}"))


class DmsTaskLink(ConsoleLink):
    """The replication task a step works on."""

    name = "DMS task"

    @classmethod
    def persist(cls, context: Mapping[str, Any], *, region: str | None, identifier: str) -> None:
        """Point to the replication task of this identifier."""
        if region:
            cls.push(context, console_url(region, f"dms/v2/home?region={region}#taskDetails/{quote(identifier)}"))


class DmsTaskLogsLink(ConsoleLink):
    """The CloudWatch log stream of the replication task."""

    name = "DMS task log"

    @classmethod
    def persist(
        cls, context: Mapping[str, Any], *, region: str | None, instance: str, task_arn: str | None = None
    ) -> None:
        """Point to the log group of the replication ``instance``, or to the stream of one task in it."""
        if not region:
            return
        group = f"dms-tasks-{quote(instance)}"
        stream = f"/log-events/dms-task-{quote(task_arn.rpartition(':')[2])}" if task_arn else ""
        cls.push(
            context, console_url(region, f"cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}{stream}")
        )
