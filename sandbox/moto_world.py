"""What the sandbox takes from moto's services, and what it puts there at the start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.secretsmanager.models import secretsmanager_backends

from sandbox.rds.estate import Network

DMS_ROLES = ("dms-vpc-role", "dms-cloudwatch-logs-role")
"""An account that uses DMS through the API has to make them once. AWS's user guide, "Creating the IAM roles"."""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


_users: list[str] = []
"""The sandboxes of this process; moto's state is the process's, so they share it."""


@contextmanager
def account_ready_for_dms(account: str) -> Iterator[None]:
    """Empty moto, unless another sandbox uses it, and make the roles that DMS needs."""
    if not _users:
        moto_api_backend.reset()
        _make_roles(account)
    _users.append(account)
    try:
        yield
    finally:
        _users.remove(account)


def _make_roles(account: str) -> None:
    for name in DMS_ROLES:
        iam_backends[account]["aws"].create_role(
            role_name=name,
            assume_role_policy_document=json.dumps(TRUST),
            path="/service-role/",
            permissions_boundary=None,
            description="",
            tags=[],
            max_session_duration="3600",
        )


def read_network(account: str, region: str) -> Network:
    """Return the default VPC."""
    ec2 = ec2_backends[account][region]
    subnets = sorted(ec2.describe_subnets(), key=lambda subnet: subnet.availability_zone)
    group = next(one for one in ec2.describe_security_groups() if one.name == "default")
    return Network(
        vpc=str(group.vpc_id),
        subnets=[(subnet.id, subnet.availability_zone) for subnet in subnets if subnet.vpc_id == group.vpc_id],
        security_group=group.id,
    )


def read_secret(account: str, region: str, name: str) -> Mapping[str, Any]:
    """Return a secret's JSON by its ARN or name. :raises LookupError: there is none, or it is no JSON object."""
    backend = secretsmanager_backends[account][region]
    try:
        text = backend.get_secret_value(secret_id=name, version_id="", version_stage="")["SecretString"]
        secret = json.loads(text)
    except Exception as err:
        raise LookupError(f"the secret cannot be read: {type(err).__name__}") from None
    if not isinstance(secret, dict):
        raise LookupError("the secret is no JSON object")
    return secret
