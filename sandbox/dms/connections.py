"""Connection tests: they really connect, and fail with PostgreSQL's own words."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg2

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms.engine.servers import Address
from sandbox.dms.filters import chosen, paged
from sandbox.dms.lake_endpoints import ENGINE
from sandbox.dms.world import Resource, World

FILTERS = {
    "endpoint-arn": lambda c: c.shape["EndpointArn"],
    "replication-instance-arn": lambda c: c.shape["ReplicationInstanceArn"],
}
FAILED = (
    "Test Endpoint failed: Application-Status: 1020912, Application-Message: Failed to connect Network error has "
    "occurred, Application-Detailed-Message: RetCode: SQL_ERROR SqlState: 08001 NativeError: 101 Message: {message}"
)


FAILED_LAKE = (
    "Test Endpoint failed: Application-Status: 1020912, Application-Message: Failed to connect to S3 bucket, "
    "Application-Detailed-Message: {message}"
)


class Connections:
    """TestConnection, DescribeConnections, DeleteConnection."""

    def __init__(self, world: World) -> None:
        self._world = world

    def test_connection(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Start a test of one endpoint from one instance."""
        instance = self._world.find("instances", parameters["ReplicationInstanceArn"], "Replication Instance")
        endpoint = self._world.find("endpoints", parameters["EndpointArn"], "Endpoint")
        if instance.status != "available":
            raise AwsError("InvalidResourceStateFault", f"Replication Instance {instance.arn} is not available.")
        connection = self._world.connections.get(_key(endpoint, instance))
        if connection and connection.status == "testing":
            raise AwsError("InvalidResourceStateFault", "Connection is already being tested")
        return {"Connection": self._test(endpoint, instance)}

    def describe_connections(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe the tests made so far."""
        found = chosen(self._world.connections.values(), parameters, FILTERS, "Connections")
        return paged([connection.shape for connection in found], parameters, "Connections")

    def delete_connection(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Forget a connection that no task depends on."""
        endpoint = self._world.find("endpoints", parameters["EndpointArn"], "Endpoint")
        instance = self._world.find("instances", parameters["ReplicationInstanceArn"], "Replication Instance")
        connection = self._world.connections.get(_key(endpoint, instance))
        if connection is None:
            raise AwsError("ResourceNotFoundFault", "Connection not found.")
        if connection.status == "testing":
            raise AwsError("InvalidResourceStateFault", "Connection is being tested")
        for task in self._world.tasks.values():
            shape = task.shape
            if shape["ReplicationInstanceArn"] == instance.arn and endpoint.arn in (
                shape["SourceEndpointArn"],
                shape["TargetEndpointArn"],
            ):
                raise AwsError("InvalidResourceStateFault", f"Connection is in use by replication task {task.key}")
        connection.status = "deleting"
        answer = dict(connection.shape)
        del self._world.connections[connection.key]
        return {"Connection": answer}

    def retest(self, endpoint: Resource) -> None:
        """Test every connection of a modified endpoint again."""
        for connection in list(self._world.connections.values()):
            if connection.shape["EndpointArn"] == endpoint.arn:
                arn = connection.shape["ReplicationInstanceArn"]
                self._test(endpoint, self._world.find("instances", arn, "Replication Instance"))

    def successful(self, endpoint_arn: str, instance_arn: str) -> bool:
        """Tell whether the last test of that pair succeeded."""
        connection = self._world.connections.get(f"{endpoint_arn} {instance_arn}")
        return connection is not None and connection.status == "successful"

    def _test(self, endpoint: Resource, instance: Resource) -> dict[str, Any]:
        shape = {
            "ReplicationInstanceArn": instance.arn,
            "EndpointArn": endpoint.arn,
            "Status": "testing",
            "LastFailureMessage": "",
            "EndpointIdentifier": endpoint.key,
            "ReplicationInstanceIdentifier": instance.key,
        }
        connection = Resource(_key(endpoint, instance), "", shape)
        self._world.connections[connection.key] = connection
        threading.Thread(target=self._run, args=(connection,), name="dms-test", daemon=True).start()
        return shape

    def _run(self, connection: Resource) -> None:
        time.sleep(durations.CONNECTION_TESTING * self._world.pace)
        with self._world.lock:
            endpoint = next(
                (e for e in self._world.endpoints.values() if e.arn == connection.shape["EndpointArn"]), None
            )
        message = _failure(endpoint, self._world) if endpoint else "the endpoint was deleted"
        with self._world.lock:
            if self._world.connections.get(connection.key) is not connection:
                return
            told = FAILED_LAKE if endpoint and endpoint.shape["EngineName"] == ENGINE else FAILED
            connection.shape["LastFailureMessage"] = told.format(message=message) if message else ""
            connection.status = "failed" if message else "successful"


def _key(endpoint: Resource, instance: Resource) -> str:
    return f"{endpoint.arn} {instance.arn}"


def _failure(endpoint: Resource, world: World) -> str | None:
    if endpoint.shape["EngineName"] == ENGINE:
        settings = endpoint.private["settings"]
        buckets, role = world.buckets, settings["ServiceAccessRoleArn"]
        return buckets.role_trouble(role) or buckets.bucket_trouble(settings["BucketName"])
    try:
        Address.of(endpoint, world.secret).psycopg2().close()
    except psycopg2.Error as error:
        return str(error).strip()
    except Exception as error:
        return f"{type(error).__name__}: the secret cannot be used ({error})"
    return None
