"""Decide what to do with a DMS endpoint: make, leave, repair or refuse. Pure.

Never points an existing endpoint at another database: what uses it would follow without a word.
Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_PostgreSQLSettings.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.resources import Create, Decision, Difference, compare, decide, differs
from pg_cdc.decisions.dms.tags import tag_list
from pg_cdc.decisions.output_plugins import LIBRARIES, may_decode_with
from pg_cdc.decisions.world import Database, Engine, Server
from pg_cdc.failures import CdcFailure

SETTING_DEFAULTS: Mapping[str, object] = {
    "CaptureDdls": True,
    "DdlArtifactsSchema": "public",
    "HeartbeatEnable": False,
    "HeartbeatFrequency": 5,
    "HeartbeatSchema": "public",
    "MapBooleanAsBoolean": False,
    "PluginName": "no-preference",
    "AddColumnName": False,
    "CompressionType": "none",
    "CsvNullValue": "NULL",
    "DataFormat": "csv",
    "DatePartitionDelimiter": "SLASH",
    "DatePartitionEnabled": False,
    "DatePartitionSequence": "YYYYMMDD",
    "EncryptionMode": "sse-s3",
    "IncludeOpForFullLoad": False,
    "ParquetTimestampInMillisecond": False,
    "PreserveTransactions": False,
    "UseCsvNoSupValue": False,
    "UseTaskStartTimeForFullLoadTimestamp": False,
}
"""What a setting is when the description leaves it out."""

S3 = "s3"
IDENTITY = frozenset({"end", "engine", "server", "port", "database", "BucketName", "BucketFolder"})
LAYOUT = frozenset(
    {
        "AddColumnName",
        "CdcPath",
        "CsvNoSupValue",
        "CsvNullValue",
        "DataFormat",
        "IncludeOpForFullLoad",
        "PreserveTransactions",
        "TimestampColumnName",
    }
)
"""How a bucket's files are written: a reader takes all of a table's files alike."""
CREDENTIALS = frozenset({"username", "secret_arn", "secret_access_role_arn"})


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A DMS endpoint, found or wanted, without any password. ``settings``: PostgreSQLSettings that are not secrets, or
    S3Settings.

    ``end``: source or target. With ``secret_arn`` DMS reads server, port, user and password from the secret.
    """

    identifier: str
    end: str
    engine: str
    database: str
    server: str | None = None
    port: int | None = None
    username: str | None = None
    secret_arn: str | None = None
    secret_access_role_arn: str | None = None
    ssl_mode: str = "none"
    certificate_arn: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    arn: str = ""
    status: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The last test of one endpoint from one instance."""

    endpoint_arn: str
    instance_arn: str
    status: str
    last_failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the target is and who logs in there."""

    host: str
    port: int
    user: str
    engine: str = Engine.RDS.value


def plugin_name(plugin: Plugin, server: Server | None) -> str:
    """Return ``PluginName`` as the API spells it; ``auto``: pglogical if preloaded, created and let decode."""
    if plugin is not Plugin.AUTO or server is None:
        return plugin.value.replace("_", "-")
    preloaded = {name.strip() for name in server.settings.get("shared_preload_libraries", "").split(",")}
    ready = "pglogical" in preloaded and "pglogical" in server.installed_extensions
    return "pglogical" if ready and may_decode_with(LIBRARIES[Plugin.PGLOGICAL], server.settings) else "test-decoding"


def wanted_source(migration: Migration, source: Database, server: Server | None) -> Endpoint:
    """Return the source endpoint of the spec. ``source``: the writer, or the read replica that DMS reads from.

    ``server``: the writer's; only the plugin ``auto`` asks for it.
    """
    replica = migration.source.read_from is not None
    schema = migration.dms_role.artifacts_schema
    endpoint = Endpoint(
        identifier=names.endpoint(migration.name, "source"),
        end="source",
        engine=source.engine.value,
        database=migration.source.database,
        server=source.host,
        port=source.port,
        username=migration.dms_role.name,
        ssl_mode=migration.replication.ssl_mode.value,
        certificate_arn=migration.replication.certificate_arn,
        settings={
            "PluginName": plugin_name(migration.replication.plugin, server),
            "CaptureDdls": True,
            "DdlArtifactsSchema": schema,
            "HeartbeatEnable": not replica,
            "HeartbeatSchema": schema,
            "HeartbeatFrequency": migration.replication.heartbeat_minutes,
            "MapBooleanAsBoolean": True,
            **({"SlotName": names.slot(migration.name)} if makes_slot(migration) else {}),
        },
    )
    return _by_secret(endpoint, migration.dms_role.secret_arn, migration.dms_role.secret_access_role_arn)


def makes_slot(migration: Migration) -> bool:
    """Tell whether the slot is ours to make: DMS makes none on a read replica, and needs none for a load alone."""
    loads_only = migration.replication.migration_type is MigrationType.FULL_LOAD
    return migration.source.read_from is not None and not loads_only


def wanted_target(migration: Migration, address: Address) -> Endpoint:
    """Return the target endpoint of the spec."""
    endpoint = Endpoint(
        identifier=names.endpoint(migration.name, "target"),
        end="target",
        engine=address.engine,
        database=migration.target.database,
        server=address.host,
        port=address.port,
        username=address.user,
        ssl_mode=migration.replication.ssl_mode.value,
        certificate_arn=migration.replication.certificate_arn,
        settings={"MapBooleanAsBoolean": True},
    )
    return _by_secret(endpoint, migration.target.secret_arn, migration.target.secret_access_role_arn)


def _by_secret(endpoint: Endpoint, secret_arn: str | None, role_arn: str | None) -> Endpoint:
    if not secret_arn:
        return endpoint
    return replace(
        endpoint, server=None, port=None, username=None, secret_arn=secret_arn, secret_access_role_arn=role_arn
    )


def compare_endpoint(
    migration: Migration, wanted: Endpoint, found: Endpoint | None, running: tuple[str, ...] = ()
) -> Decision:
    """Decide on an endpoint. ``running``: tasks that run on it. Passwords cannot be compared, so they are not."""
    if found is None:
        return Create()
    what = f"DMS endpoint {found.identifier}"
    differences = endpoint_differences(wanted, found)
    if running and migration.replication.plugin is Plugin.AUTO:
        differences = tuple(d for d in differences if d.key != "PluginName")
    return decide(what, found.tags, migration, differences, _refusal(what, differences, running))


def endpoint_differences(wanted: Endpoint, found: Endpoint) -> tuple[Difference, ...]:
    """Return every key of ``wanted`` that ``found`` does not have. Where a secret rules, the rest is in the secret."""
    pairs: dict[str, tuple[object, object]] = {
        "end": (found.end, wanted.end),
        "engine": (found.engine, wanted.engine),
        "database": (found.database, wanted.database),
        "secret_arn": (found.secret_arn, wanted.secret_arn),
        "ssl_mode": (found.ssl_mode, wanted.ssl_mode),
    }
    if wanted.secret_arn:
        pairs["secret_access_role_arn"] = (found.secret_access_role_arn, wanted.secret_access_role_arn)
    else:
        pairs["username"] = (found.username, wanted.username)
    if not wanted.secret_arn and not found.secret_arn:
        pairs["server"] = (found.server, wanted.server)
        pairs["port"] = (found.port, wanted.port)
    if wanted.certificate_arn:
        pairs["certificate_arn"] = (found.certificate_arn, wanted.certificate_arn)
    for key, value in wanted.settings.items():
        pairs[key] = (found.settings.get(key, SETTING_DEFAULTS.get(key)), value)
    return compare(pairs)


def _refusal(what: str, differences: tuple[Difference, ...], running: tuple[str, ...]) -> CdcFailure | None:
    identity = tuple(d for d in differences if d.key in IDENTITY)
    if identity:
        why = "another database or bucket under the same endpoint would be followed without a word"
        return differs(what, identity, why=why, next="give the migration another name, or delete the endpoint")
    if layout := tuple(d for d in differences if d.key in LAYOUT or _begins_kms(d)):
        why = "the files that are there are written so, and DMS does not write them again"
        return differs(what, layout, why=why, next="put the found values in the spec, or begin a migration anew")
    if differences and running:
        why = f"{', '.join(running)} runs on it"
        return differs(what, differences, why=why, next="stop the task, or put the found values in the spec")
    return None


def _begins_kms(difference: Difference) -> bool:
    """Tell whether a key of KMS is to begin now: DMS goes back from one, and never to one."""
    return difference.key == "EncryptionMode" and difference.wanted == "sse-kms"


def create_request(migration: Migration, wanted: Endpoint, password: str | None) -> dict[str, object]:
    """Return the parameters of CreateEndpoint. ``password`` None: DMS reads the secret, or writes to a bucket."""
    if wanted.engine == S3:
        return {
            "EndpointIdentifier": wanted.identifier,
            "EndpointType": wanted.end,
            "EngineName": wanted.engine,
            "S3Settings": dict(wanted.settings),
            "Tags": tag_list(migration),
        }
    request: dict[str, object] = {
        "EndpointIdentifier": wanted.identifier,
        "EndpointType": wanted.end,
        "EngineName": wanted.engine,
        "DatabaseName": wanted.database,
        "SslMode": wanted.ssl_mode,
        "PostgreSQLSettings": {**wanted.settings, **_secret(wanted)},
        "Tags": tag_list(migration),
    }
    if wanted.certificate_arn:
        request["CertificateArn"] = wanted.certificate_arn
    return request | _login(wanted, password)


def modify_request(wanted: Endpoint, arn: str, keys: frozenset[str], password: str | None) -> dict[str, object]:
    """Return the parameters of ModifyEndpoint: only what differs. The login goes along only where it differs."""
    request: dict[str, object] = {"EndpointArn": arn}
    settings: dict[str, object] = {key: value for key, value in wanted.settings.items() if key in keys}
    if wanted.engine == S3:
        return request | {"S3Settings": settings}
    if "ssl_mode" in keys:
        request["SslMode"] = wanted.ssl_mode
    if "certificate_arn" in keys:
        request["CertificateArn"] = wanted.certificate_arn
    if keys & CREDENTIALS:
        request |= _login(wanted, password)
    if "secret_arn" in keys:
        # A secret and a login exclude each other, and DMS merges: only an exact document gets rid of the old one.
        settings = {**wanted.settings, **_secret(wanted)}
        request |= {"DatabaseName": wanted.database, "ExactSettings": True}
    elif "secret_access_role_arn" in keys:
        settings |= _secret(wanted)
    if settings:
        request["PostgreSQLSettings"] = settings
    return request


def password_request(wanted: Endpoint, arn: str, password: str) -> dict[str, object]:
    """Return the parameters of the ModifyEndpoint that gives DMS the password again."""
    return {"EndpointArn": arn, "Username": wanted.username, "Password": password}


def _login(wanted: Endpoint, password: str | None) -> dict[str, object]:
    if wanted.secret_arn:
        return {}
    return {"ServerName": wanted.server, "Port": wanted.port, "Username": wanted.username, "Password": password}


def _secret(wanted: Endpoint) -> dict[str, object]:
    if not wanted.secret_arn:
        return {}
    secret = {"SecretsManagerSecretId": wanted.secret_arn, "SecretsManagerAccessRoleArn": wanted.secret_access_role_arn}
    return {key: value for key, value in secret.items() if value}


def says_wrong_password(last_failure: str) -> bool:
    """Tell whether a failed test was refused at the login. DMS gives PostgreSQL's text and no code to go by."""
    return "28P01" in last_failure or "password authentication failed" in last_failure
