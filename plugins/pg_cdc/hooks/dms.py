"""DMS calls: one method is one call, or one read of all pages. Nothing found is None or empty, not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.dms import DmsHook
from botocore.exceptions import ClientError

from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.memo import shared_hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

Row = dict[str, Any]


class CdcDmsHook(DmsHook):
    """The provider's hook, with every page and with what it lacks. Never botocore's waiters: they give up too soon."""

    @classmethod
    def of(cls, migration: Migration) -> CdcDmsHook:
        """Return the hook for the AWS account of ``migration``."""
        return cls.at(migration.aws.conn_id, migration.aws.region)

    @classmethod
    def at(cls, aws_conn_id: str, region: str | None) -> CdcDmsHook:
        """Return the hook for an Airflow connection and a region; None: the connection's."""
        return shared_hook(lambda: cls(aws_conn_id=aws_conn_id, region_name=region), cls, aws_conn_id, region)

    def read_all(self, operation: str, key: str, **parameters: Any) -> list[Row]:
        """Return ``key`` of every page. DMS answers a filter that matches nothing with a fault: that is empty here."""
        client: Any = self.conn
        pages = client.get_paginator(operation).paginate(**parameters)
        try:
            return [row for page in pages for row in page.get(key, ())]
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundFault":
                return []
            raise

    def read_marked(self, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Do the same for an operation that botocore has no paginator for."""
        rows: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            try:
                answer = getattr(self.conn, operation)(**parameters, **marker)
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundFault":
                    return rows
                raise
            rows += answer.get(key, ())
            if not answer.get("Marker"):
                return rows
            marker = {"Marker": answer["Marker"]}

    def subnet_group(self, name: str) -> Row | None:
        """Return the replication subnet group ``name``."""
        filters = _filter("replication-subnet-group-id", name)
        return _one(self.read_all("describe_replication_subnet_groups", "ReplicationSubnetGroups", Filters=filters))

    def instance(self, identifier: str) -> Row | None:
        """Return the replication instance ``identifier``."""
        filters = _filter("replication-instance-id", identifier)
        return _one(self.read_all("describe_replication_instances", "ReplicationInstances", Filters=filters))

    def endpoint(self, identifier: str) -> Row | None:
        """Return the endpoint ``identifier``."""
        return _one(self.read_all("describe_endpoints", "Endpoints", Filters=_filter("endpoint-id", identifier)))

    def connections(self, endpoint_arn: str, instance_arn: str) -> list[Row]:
        """Return the test of this endpoint from this instance: none or one, never another's."""
        filters = [*_filter("endpoint-arn", endpoint_arn), *_filter("replication-instance-arn", instance_arn)]
        rows = self.read_all("describe_connections", "Connections", Filters=filters)
        pair = (endpoint_arn, instance_arn)
        return [row for row in rows if (row["EndpointArn"], row["ReplicationInstanceArn"]) == pair]

    def task(self, identifier: str, *, settings: bool) -> Row | None:
        """Return the task ``identifier``; its settings are long and cost a call budget of their own."""
        filters = _filter("replication-task-id", identifier)
        return _one(self.tasks(Filters=filters, WithoutSettings=not settings))

    def tasks(self, **parameters: Any) -> list[Row]:
        """Return tasks, all pages of them."""
        return self.read_all("describe_replication_tasks", "ReplicationTasks", **parameters)

    def table_statistics(self, task_arn: str) -> list[Row]:
        """Return the statistics of every table of a task."""
        return self.read_all("describe_table_statistics", "TableStatistics", ReplicationTaskArn=task_arn)

    def assessment_runs(self, **parameters: Any) -> list[Row]:
        """Return premigration assessment runs, all pages of them."""
        return self.read_marked(
            "describe_replication_task_assessment_runs", "ReplicationTaskAssessmentRuns", **parameters
        )

    def assessment_run(self, name: str) -> Row | None:
        """Return the assessment run ``name``: there is no filter by name."""
        return next((row for row in self.assessment_runs() if row["AssessmentRunName"] == name), None)

    def individual_assessments(self, run_arn: str) -> list[Row]:
        """Return what one assessment run has found."""
        operation = "describe_replication_task_individual_assessments"
        filters = _filter("replication-task-assessment-run-arn", run_arn)
        return self.read_marked(operation, "ReplicationTaskIndividualAssessments", Filters=filters)

    def applicable_assessments(self, task_arn: str) -> list[str]:
        """Return the names of the individual assessments that a run of this task can have."""
        operation = "describe_applicable_individual_assessments"
        return self.read_marked(operation, "IndividualAssessmentNames", ReplicationTaskArn=task_arn)

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource."""
        client: Any = self.conn
        rows = client.list_tags_for_resource(ResourceArn=arn).get("TagList", ())
        return {row["Key"]: row.get("Value", "") for row in rows}

    def call(self, operation: str, **parameters: Any) -> Row:
        """Make one call that changes something, or tests it."""
        answer: Row = getattr(self.conn, operation)(**parameters)
        return answer


def _filter(name: str, value: str) -> list[Row]:
    return [{"Name": name, "Values": [value]}]


def _one(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
