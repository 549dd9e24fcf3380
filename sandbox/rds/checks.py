"""Refusals that several actions share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.rds.estate import Instance

RESERVED = ("rdsadmin", "rds_superuser", "rds_replication", "admin")


def must_match(name: str, family: str, wanted: str) -> None:
    """Refuse a group of another family."""
    if family != wanted:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameter group {name} with DBParameterGroupFamily {family} cannot be used for this instance. "
            f"Please use a parameter group with DBParameterGroupFamily {wanted}",
        )


def check_master(parameters: Mapping[str, Any]) -> None:
    """Refuse a master user that AWS would not make."""
    for name in ("MasterUsername", "MasterUserPassword"):
        if not parameters.get(name):
            raise AwsError("InvalidParameterValue", f"The parameter {name} must be provided and must not be blank.")
    if parameters["MasterUsername"].lower() in RESERVED or parameters["MasterUsername"].lower().startswith("pg_"):
        raise AwsError(
            "InvalidParameterValue",
            f"MasterUsername {parameters['MasterUsername']} cannot be used as it is a reserved word used by the engine",
        )
    check_password(parameters["MasterUserPassword"])


def check_password(password: str) -> None:
    """Refuse a password that AWS would not take."""
    if not 8 <= len(password) <= 128 or any(char in '/"@ ' for char in password):
        raise AwsError("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password.")


def must_be_available(instance: Instance, *, also: tuple[str, ...] = ()) -> None:
    """Refuse a busy instance."""
    if instance.status.value not in ("available", *also):
        raise AwsError("InvalidDBInstanceState", "Database instance is not in available state.")
