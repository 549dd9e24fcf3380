"""Parameter groups: made, changed, reset and deleted under AWS's rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.rds.catalogue import Parameter, catalogue
from sandbox.rds.engines import ENGINES
from sandbox.rds.estate import Group, only
from sandbox.rds.servers import Servers
from sandbox.rds.tags import Tags

NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,254}")
BATCH = 20
MAJORS = range(13, 18)
IMMEDIATE = "immediate"
PENDING = "pending-reboot"


class GroupActions(Servers, Tags):
    """The actions on DB parameter groups and DB cluster parameter groups."""

    def create_db_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a DB parameter group."""
        return {"DBParameterGroup": self._create_group(parameters, cluster=False)}

    def create_db_cluster_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a DB cluster parameter group."""
        return {"DBClusterParameterGroup": self._create_group(parameters, cluster=True)}

    def modify_db_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Set parameters of a DB parameter group."""
        return {"DBParameterGroupName": self._modify_group(parameters, cluster=False)}

    def modify_db_cluster_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Set parameters of a DB cluster parameter group."""
        return {"DBClusterParameterGroupName": self._modify_group(parameters, cluster=True)}

    def reset_db_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take values back to their defaults."""
        return {"DBParameterGroupName": self._reset_group(parameters, cluster=False)}

    def reset_db_cluster_parameter_group(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take values back to their defaults."""
        return {"DBClusterParameterGroupName": self._reset_group(parameters, cluster=True)}

    def delete_db_parameter_group(self, parameters: Mapping[str, Any]) -> None:
        """Delete a group nobody uses."""
        self._delete_group(parameters, cluster=False)

    def delete_db_cluster_parameter_group(self, parameters: Mapping[str, Any]) -> None:
        """Delete a group nobody uses."""
        self._delete_group(parameters, cluster=True)

    def find_group(self, name: str, *, cluster: bool, code: str = "DBParameterGroupNotFound") -> Group:
        """Return the group ``name``."""
        group = self.groups.get((cluster, name.lower()))
        if group is None:
            what = "DBClusterParameterGroup" if cluster else "DBParameterGroup"
            raise AwsError(code, f"{what} not found: {name}", status=404)
        return group

    def parameters_of(self, group: Group) -> Mapping[str, Parameter]:
        """Return the catalogue of a group."""
        major = int(re.sub(r"\D", "", group.family))
        installed = self.site.installation(major) or self.site.binaries
        return catalogue(group.family, cluster=group.cluster, pglogical=installed.has_pglogical)

    def describe_group(self, group: Group) -> dict[str, Any]:
        """Return a group as AWS shows it."""
        kind = "DBClusterParameterGroup" if group.cluster else "DBParameterGroup"
        return {
            f"{kind}Name": group.name,
            "DBParameterGroupFamily": group.family,
            "Description": group.description,
            f"{kind}Arn": group.arn,
        }

    def _create_group(self, parameters: Mapping[str, Any], *, cluster: bool) -> dict[str, Any]:
        key = _name_key(cluster)
        only(parameters, "CreateDBParameterGroup", (key, "DBParameterGroupFamily", "Description", "Tags"))
        name, family = parameters[key].lower(), parameters["DBParameterGroupFamily"]
        if not NAME.fullmatch(name):
            raise AwsError("InvalidParameterValue", f"The parameter {key} is not a valid identifier: {name}")
        engine, major = re.fullmatch(r"(.*?)(\d*)", family).groups()  # type: ignore[union-attr]
        if engine not in ENGINES or int(major or 0) not in MAJORS:
            raise AwsError("InvalidParameterValue", f"{family} is not a valid parameter group family")
        with self.lock:
            if (cluster, name) in self.groups:
                raise AwsError("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
            group = self._add_group(name, family, cluster, parameters["Description"])
            self.tag(group.arn, parameters.get("Tags", ()))
            return self.describe_group(group)

    def _modify_group(self, parameters: Mapping[str, Any], *, cluster: bool) -> str:
        with self.lock:
            group = self._own_group(parameters, cluster=cluster)
            changes = parameters.get("Parameters") or ()
            self._check_changes(group, changes, value_needed=True)
            changed = set()
            for change in changes:
                name, value = change["ParameterName"], change["ParameterValue"]
                if group.values.get(name) != value:
                    changed.add(name)
                group.values[name] = value
                group.methods[name] = change["ApplyMethod"]
            self._spread(group, changed, {change["ParameterName"]: change["ApplyMethod"] for change in changes})
            return group.name

    def _reset_group(self, parameters: Mapping[str, Any], *, cluster: bool) -> str:
        with self.lock:
            group = self._own_group(parameters, cluster=cluster)
            changes = parameters.get("Parameters") or ()
            everything = str(parameters.get("ResetAllParameters", "false")).lower() == "true"
            if everything == bool(changes):
                raise AwsError(
                    "InvalidParameterCombination", "Give either ResetAllParameters or a list of parameters, not both."
                )
            self._check_changes(group, changes, value_needed=False)
            names = set(group.values) if everything else {change["ParameterName"] for change in changes}
            methods = {change["ParameterName"]: change["ApplyMethod"] for change in changes}
            changed = {name for name in names if group.values.pop(name, None) is not None}
            for name in names:
                group.methods.pop(name, None)
            self._spread(group, changed, methods)
            return group.name

    def _spread(self, group: Group, changed: set[str], methods: Mapping[str, str]) -> None:
        catalogued = self.parameters_of(group)
        dynamic = {
            name for name in changed if not catalogued[name].static and methods.get(name, IMMEDIATE) == IMMEDIATE
        }
        if changed:
            self.spread(group, dynamic=dynamic, pending=bool(changed - dynamic))

    def _own_group(self, parameters: Mapping[str, Any], *, cluster: bool, done: str = "modified") -> Group:
        group = self.find_group(parameters[_name_key(cluster)], cluster=cluster)
        if group.name.startswith("default."):
            raise AwsError(
                self.assumptions.default_group_modified,
                f"The parameter group {group.name} is a default parameter group and cannot be {done}.",
            )
        return group

    def _check_changes(self, group: Group, changes: Sequence[Mapping[str, str]], *, value_needed: bool) -> None:
        if len(changes) > BATCH or (value_needed and not changes):
            raise AwsError(
                self.assumptions.too_many_parameters,
                f"The request names {len(changes)} parameters; between 1 and {BATCH} can be modified in one request.",
            )
        catalogued = self.parameters_of(group)
        for change in changes:
            name = change.get("ParameterName", "")
            if name not in catalogued:
                raise AwsError("InvalidParameterValue", f"Could not find parameter with name: {name}")
            _check_change(catalogued[name], change, value_needed=value_needed)

    def _delete_group(self, parameters: Mapping[str, Any], *, cluster: bool) -> None:
        with self.lock:
            group = self._own_group(parameters, cluster=cluster, done="deleted")
            if any(one.group == group.name for one in (self.clusters if cluster else self.instances).values()):
                raise AwsError(
                    "InvalidDBParameterGroupState",
                    "One or more database instances are still members of this parameter group "
                    f"{group.name}, so the group cannot be deleted",
                )
            del self.groups[cluster, group.name]
            self.tags.pop(group.arn, None)


def _name_key(cluster: bool) -> str:
    return "DBClusterParameterGroupName" if cluster else "DBParameterGroupName"


def _check_change(parameter: Parameter, change: Mapping[str, str], *, value_needed: bool) -> None:
    method, value = change.get("ApplyMethod"), change.get("ParameterValue")
    if method not in (IMMEDIATE, PENDING):
        raise AwsError("InvalidParameterValue", f"Invalid apply method for {parameter.name}: {method}")
    if not parameter.modifiable:
        raise AwsError("InvalidParameterValue", f"The parameter {parameter.name} cannot be modified.")
    if parameter.static and method == IMMEDIATE:
        raise AwsError("InvalidParameterCombination", "cannot use immediate apply method for static parameter")
    if value_needed and (value is None or not parameter.allows(value)):
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid parameter value: {value} for: {parameter.name} allowed values are: {parameter.allowed}",
        )
