"""Endpoints: PostgreSQL, and S3 as a target. A password goes in and never comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms import durations
from sandbox.dms import lake_endpoints as lake
from sandbox.dms.filters import chosen, identifier, paged
from sandbox.dms.tags import checked
from sandbox.dms.world import Resource, World

ENGINES = {"postgres": "PostgreSQL", "aurora-postgresql": "Amazon Aurora PostgreSQL", lake.ENGINE: "Amazon S3"}
FILTERS = {
    "endpoint-arn": lambda e: e.arn,
    "endpoint-type": lambda e: e.shape["EndpointType"],
    "endpoint-id": lambda e: e.key,
    "engine-name": lambda e: e.shape["EngineName"],
}
PLACE = ("Username", "ServerName", "Port")
CLEAR_TEXT = (*PLACE, "Password")
CHANGEABLE = ("EngineName", "ExtraConnectionAttributes", "SslMode", "CertificateArn", "ServiceAccessRoleArn")
PLUGINS = ("no-preference", "test-decoding", "pglogical")
BUSY = ("starting", "running", "stopping")


class Endpoints:
    """Create, describe, modify, delete. ``retest``: starts the tests that a modification brings with it."""

    def __init__(self, world: World, retest: Callable[[Resource], None]) -> None:
        self._world = world
        self._retest = retest

    def create_endpoint(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Make an endpoint; its server is not contacted before a connection test."""
        name = identifier(parameters["EndpointIdentifier"], "EndpointIdentifier")
        if name in self._world.endpoints:
            raise AwsError("ResourceAlreadyExistsFault", f"Endpoint {name} already exists.")
        settings = _settings(parameters["EngineName"], parameters)
        _check(parameters, settings)
        arn = self._world.arn("endpoint", parameters.get("ResourceIdentifier"))
        shape = {
            "EndpointIdentifier": name,
            "EndpointType": parameters["EndpointType"].upper(),
            "EngineName": parameters["EngineName"],
            "EngineDisplayName": ENGINES[parameters["EngineName"]],
            "EndpointArn": arn,
            "SslMode": parameters.get("SslMode") or "none",
            "Status": "creating",
            **{k: parameters[k] for k in ("ExtraConnectionAttributes", "KmsKeyId") if parameters.get(k)},
        }
        endpoint = Resource(name, arn, shape)
        endpoint.tags = checked(parameters.get("Tags"))
        _keep(endpoint, settings)
        self._world.move(endpoint, "creating", "active", durations.ENDPOINT_CREATING)
        self._world.endpoints[name] = endpoint
        return {"Endpoint": shape}

    def describe_endpoints(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe endpoints."""
        found = chosen(self._world.endpoints.values(), parameters, FILTERS, "Endpoints")
        return paged([endpoint.shape for endpoint in found], parameters, "Endpoints")

    def modify_endpoint(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Change an endpoint no running task uses; its connections are tested again by themselves."""
        endpoint = self._world.find("endpoints", parameters["EndpointArn"], "Endpoint")
        self._refuse_if_used(endpoint, "modified", BUSY)
        given = _settings(endpoint.shape["EngineName"], parameters)
        base = {} if parameters.get("ExactSettings") else endpoint.private["settings"]
        settings = {**base, **given}
        _check({**endpoint.shape, **{k: v for k, v in parameters.items() if v is not None}}, settings)
        endpoint.shape.update({k: parameters[k] for k in CHANGEABLE if parameters.get(k)})
        endpoint.shape["EngineDisplayName"] = ENGINES[endpoint.shape["EngineName"]]
        _keep(endpoint, settings)
        self._rename(endpoint, parameters.get("EndpointIdentifier"))
        self._retest(endpoint)
        return {"Endpoint": endpoint.shape}

    def delete_endpoint(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Delete an endpoint no task names."""
        endpoint = self._world.find("endpoints", parameters["EndpointArn"], "Endpoint")
        self._refuse_if_used(endpoint, "deleted", None)
        if endpoint.status == "deleting":
            raise AwsError("InvalidResourceStateFault", f"Endpoint {endpoint.arn} is already being deleted.")
        self._world.move(endpoint, "deleting", "gone", durations.ENDPOINT_DELETING)
        for key in [k for k, c in self._world.connections.items() if c.shape["EndpointArn"] == endpoint.arn]:
            del self._world.connections[key]
        return {"Endpoint": endpoint.shape}

    def _rename(self, endpoint: Resource, wanted: str | None) -> None:
        if not wanted or wanted.lower() == endpoint.key:
            return
        name = identifier(wanted, "EndpointIdentifier")
        if name in self._world.endpoints:
            raise AwsError("ResourceAlreadyExistsFault", f"Endpoint {name} already exists.")
        self._world.endpoints[name] = self._world.endpoints.pop(endpoint.key)
        endpoint.key = endpoint.shape["EndpointIdentifier"] = name

    def _refuse_if_used(self, endpoint: Resource, done: str, states: tuple[str, ...] | None) -> None:
        sides = ("SourceEndpointArn", "TargetEndpointArn")
        users = [
            task.key
            for task in self._world.tasks.values()
            if endpoint.arn in [task.shape[side] for side in sides] and (states is None or task.status in states)
        ]
        if users:
            raise AwsError(
                "InvalidResourceStateFault",
                f"Endpoint {endpoint.arn} cannot be {done}, it is part of one or more ReplicationTasks: "
                f"{', '.join(users)}",
            )


def extra_attributes(text: str | None) -> dict[str, str]:
    """Return the settings in ``PluginName=test_decoding;slotName=x`` by the name the API gives them."""
    found: dict[str, str] = {}
    for part in (text or "").split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            found[name.strip()[0].upper() + name.strip()[1:]] = value.strip()
    return found


def _settings(engine: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if engine == lake.ENGINE:
        return lake.lake_settings(parameters)
    settings = {k: v for k, v in (parameters.get("PostgreSQLSettings") or {}).items() if v is not None}
    settings.update({k: parameters[k] for k in (*CLEAR_TEXT, "DatabaseName") if parameters.get(k) is not None})
    return settings


def _keep(endpoint: Resource, settings: dict[str, Any]) -> None:
    endpoint.private["settings"] = settings
    if endpoint.shape["EngineName"] == lake.ENGINE:
        endpoint.shape["S3Settings"] = {**lake.DEFAULTS, **settings}
        return
    shown = {k: v for k, v in settings.items() if k != "Password"}
    endpoint.shape["PostgreSQLSettings"] = shown
    for name in (*PLACE, "DatabaseName"):
        endpoint.shape.pop(name, None)
        if name in shown:
            endpoint.shape[name] = shown[name]


def _check(parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if parameters["EngineName"] not in ENGINES:
        raise AwsError("InvalidParameterValueException", f"The sandbox has no engine {parameters['EngineName']!r}")
    if str(parameters["EndpointType"]).lower() not in ("source", "target"):
        raise AwsError("InvalidParameterValueException", f"Invalid endpoint type: {parameters['EndpointType']}")
    if parameters["EngineName"] == lake.ENGINE:
        lake.check_lake(parameters, settings)
        return
    mode = parameters.get("SslMode") or "none"
    if mode not in ("none", "require"):
        raise AwsError(
            "InvalidParameterValueException", f"SslMode {mode} needs an imported certificate; the sandbox has none"
        )
    if settings.get("PluginName", "no-preference") not in PLUGINS:
        raise AwsError("InvalidParameterValueException", f"Invalid PluginName: {settings['PluginName']}")
    if settings.get("SecretsManagerSecretId") and any(settings.get(name) for name in CLEAR_TEXT):
        raise AwsError(
            "InvalidParameterCombinationException",
            "You can specify either SecretsManagerSecretId or clear-text values for Username, Password, ServerName "
            "and Port, but not both.",
        )
    _check_complete(settings)


def _check_complete(settings: Mapping[str, Any]) -> None:
    needed = ("SecretsManagerAccessRoleArn",) if settings.get("SecretsManagerSecretId") else CLEAR_TEXT
    missing = [name for name in (*needed, "DatabaseName") if not settings.get(name)]
    if missing:
        raise AwsError("InvalidParameterCombinationException", f"The endpoint lacks {', '.join(missing)}")
