"""Decide what to do with the DMS subnet group and the replication instance: make, leave, repair or refuse. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_ReplicationInstance.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.tags import expiry_differs, tag_list
from pg_cdc.decisions.world import Database
from pg_cdc.failures import CdcFailure, Differs, NotOurs, SpecInvalid

INSTANCE_BROKEN = frozenset(
    {"failed", "deleted", "incompatible-credentials", "incompatible-network", "inaccessible-encryption-credentials"}
)
"""Replication instance statuses that end in nothing by waiting."""


@dataclass(frozen=True, kw_only=True)
class SubnetGroup:
    """A replication subnet group. DMS gives it no ARN in its description; ``arn`` is made from the account's."""

    name: str
    arn: str
    subnet_ids: tuple[str, ...]
    vpc_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReplicationInstance:
    """A DMS replication instance."""

    identifier: str
    arn: str
    status: str
    instance_class: str
    storage_gb: int
    multi_az: bool
    public: bool
    subnet_group: str
    security_group_ids: tuple[str, ...] = ()
    engine_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One key that is not as the spec wants it."""

    key: str
    found: object
    wanted: object

    def __str__(self) -> str:
        return f"{self.key} is {self.found!r}, the spec wants {self.wanted!r}"


@dataclass(frozen=True)
class Create:
    """Nothing of that name is there."""


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """It is as it should be. ``adopt``: but lacks our tag, and may have it. ``expiry``: but its other tag is not."""

    adopt: bool = False
    expiry: bool = False


@dataclass(frozen=True, kw_only=True)
class Modify:
    """It is ours, and these keys are to be repaired."""

    differences: tuple[Difference, ...]
    adopt: bool = False
    expiry: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """Return the names of what differs."""
        return frozenset(difference.key for difference in self.differences)


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Leave it alone, and say why."""

    failure: CdcFailure


Decision = Create | Nothing | Modify | Refuse


def refuse_foreign(what: str, tags: Mapping[str, str], migration: Migration) -> NotOurs | None:
    """Return why the resource ``what`` must not be touched, or None. Another migration's is never adopted."""
    owner = tags.get(names.TAG)
    if owner == migration.name or (owner is None and migration.safety.adopt_existing):
        return None
    if owner is None:
        return NotOurs(
            found=f"{what} exists without the tag {names.TAG}",
            expected=f"no {what}, or one tagged {names.TAG}={migration.name}",
            next="give the migration another name, or set safety.adopt_existing to use it as ours and tag it",
        )
    return NotOurs(
        found=f"{what} is tagged {names.TAG}={owner}",
        expected=f"{names.TAG}={migration.name}",
        next="give the migration another name",
    )


def decide(
    what: str,
    tags: Mapping[str, str],
    migration: Migration,
    differences: tuple[Difference, ...] = (),
    refusal: CdcFailure | None = None,
) -> Nothing | Modify | Refuse:
    """Return what to do with a resource that exists: ownership first, then ``refusal``, then the differences."""
    if foreign := refuse_foreign(what, tags, migration):
        return Refuse(failure=foreign)
    if refusal:
        return Refuse(failure=refusal)
    adopt = names.TAG not in tags
    expiry = expiry_differs(migration, tags)
    if differences:
        return Modify(differences=differences, adopt=adopt, expiry=expiry)
    return Nothing(adopt=adopt, expiry=expiry)


def compare(pairs: Mapping[str, tuple[object, object]]) -> tuple[Difference, ...]:
    """Return a difference for each key of ``pairs`` (found, wanted) whose two values are not equal."""
    return tuple(Difference(key=key, found=f, wanted=w) for key, (f, w) in pairs.items() if f != w)


def differs(what: str, differences: tuple[Difference, ...], *, why: str, next: str) -> Differs:
    """Return the refusal that shows both values of every difference."""
    return Differs(
        found=f"{what}: " + "; ".join(f"{d.key} is {d.found!r}" for d in differences),
        expected="; ".join(f"{d.key} {d.wanted!r}" for d in differences),
        next=f"{why}; {next}",
    )


def sibling_arn(database_arn: str, kind: str, name: str) -> str:
    """Return the ARN of a DMS resource whose ARN ends in its name (only subnet groups do)."""
    partition, _, region, account = database_arn.split(":")[1:5]
    return f"arn:{partition}:dms:{region}:{account}:{kind}:{name}"


def wanted_subnets(migration: Migration, source: Database) -> tuple[str, ...]:
    """Return the subnets of the replication instance: the spec's, else those of the source."""
    subnets = tuple(migration.replication.subnet_ids) or source.subnet_ids
    if not subnets:
        raise SpecInvalid(
            found=f"no replication.subnet_ids, and {source.identifier} is in no DB subnet group",
            expected="at least two subnets in two availability zones",
            next="give replication.subnet_ids, or replication.instance_identifier of an instance that exists",
        )
    return subnets


def compare_subnet_group(migration: Migration, found: SubnetGroup | None) -> Decision:
    """Decide on the subnet group. Without subnets in the spec any found group of ours will do."""
    if found is None:
        return Create()
    wanted = frozenset(migration.replication.subnet_ids)
    pairs: dict[str, tuple[object, object]] = {}
    if wanted:
        pairs["subnet_ids"] = (sorted(found.subnet_ids), sorted(wanted))
    return decide(f"replication subnet group {found.name}", found.tags, migration, compare(pairs))


def subnet_group_request(migration: Migration, source: Database) -> dict[str, object]:
    """Return the parameters of CreateReplicationSubnetGroup."""
    name = names.resource(migration.name)
    return {
        "ReplicationSubnetGroupIdentifier": name,
        "ReplicationSubnetGroupDescription": f"pg-cdc migration {migration.name}",
        "SubnetIds": list(wanted_subnets(migration, source)),
        "Tags": tag_list(migration),
    }


def compare_instance(migration: Migration, found: ReplicationInstance | None, running: tuple[str, ...]) -> Decision:
    """Decide on our replication instance. ``running``: tasks that a change of it would interrupt."""
    if found is None:
        return Create()
    what = f"replication instance {found.identifier}"
    differences = _instance_differences(migration, found)
    return decide(what, found.tags, migration, differences, _instance_refusal(what, found, differences, running))


def _instance_differences(migration: Migration, found: ReplicationInstance) -> tuple[Difference, ...]:
    wanted = migration.replication
    pairs: dict[str, tuple[object, object]] = {
        "instance_class": (found.instance_class, wanted.instance_class),
        "multi_az": (found.multi_az, wanted.multi_az),
        # Storage never shrinks: more than asked for is as good.
        "allocated_storage_gb": (found.storage_gb, max(found.storage_gb, wanted.allocated_storage_gb)),
    }
    if wanted.security_group_ids:
        pairs["security_group_ids"] = (sorted(found.security_group_ids), sorted(wanted.security_group_ids))
    return compare(pairs)


def _instance_refusal(
    what: str, found: ReplicationInstance, differences: tuple[Difference, ...], running: tuple[str, ...]
) -> Differs | None:
    if found.public:
        public = (Difference(key="publicly_accessible", found=True, wanted=False),)
        return differs(what, public, why="DMS cannot change it", next="delete the instance and clear this task")
    if differences and running:
        busy = f"a change would interrupt {', '.join(running)}"
        return differs(what, differences, why=busy, next="stop those tasks, or put the found values in the spec")
    return None


def instance_request(migration: Migration, source: Database) -> dict[str, object]:
    """Return the parameters of CreateReplicationInstance. DMS's own default is publicly accessible; ours is not."""
    wanted = migration.replication
    name = names.resource(migration.name)
    request: dict[str, object] = {
        "ReplicationInstanceIdentifier": name,
        "ReplicationInstanceClass": wanted.instance_class,
        "AllocatedStorage": wanted.allocated_storage_gb,
        "MultiAZ": wanted.multi_az,
        "PubliclyAccessible": False,
        "ReplicationSubnetGroupIdentifier": name,
        "Tags": tag_list(migration),
    }
    if groups := list(wanted.security_group_ids or source.security_group_ids):
        request["VpcSecurityGroupIds"] = groups
    return request


def modify_instance_request(migration: Migration, arn: str, keys: frozenset[str]) -> dict[str, object]:
    """Return the parameters of ModifyReplicationInstance: only what differs."""
    wanted = migration.replication
    values: dict[str, tuple[str, object]] = {
        "instance_class": ("ReplicationInstanceClass", wanted.instance_class),
        "multi_az": ("MultiAZ", wanted.multi_az),
        "allocated_storage_gb": ("AllocatedStorage", wanted.allocated_storage_gb),
        "security_group_ids": ("VpcSecurityGroupIds", list(wanted.security_group_ids)),
    }
    changed = {name: value for key, (name, value) in values.items() if key in keys}
    return {"ReplicationInstanceArn": arn, "ApplyImmediately": True, **changed}
