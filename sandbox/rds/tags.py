"""Tags of RDS resources, by ARN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.rds.estate import TAG_LIMIT, Estate


class Tags(Estate):
    """AddTagsToResource, RemoveTagsFromResource, ListTagsForResource."""

    def add_tags_to_resource(self, parameters: Mapping[str, Any]) -> None:
        """Add or overwrite tags."""
        with self.lock:
            self.tag(self._known(parameters["ResourceName"]), parameters["Tags"])

    def remove_tags_from_resource(self, parameters: Mapping[str, Any]) -> None:
        """Remove tags; one that is not there is not missed."""
        with self.lock:
            tags = self.tags.get(self._known(parameters["ResourceName"]), {})
            for key in parameters["TagKeys"]:
                tags.pop(key, None)

    def list_tags_for_resource(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """List tags."""
        with self.lock:
            return {"TagList": self.tag_list(self._known(parameters["ResourceName"]))}

    def tag(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Set tags. :raises AwsError: a reserved key, or too many."""
        merged = {**self.tags.get(arn, {}), **{tag["Key"]: tag.get("Value", "") for tag in tags}}
        if any(key.lower().startswith(("aws:", "rds:")) for key in merged):
            raise AwsError("InvalidParameterValue", "Tag keys must not begin with aws: or rds:")
        if len(merged) > TAG_LIMIT:
            raise AwsError("InvalidParameterValue", f"A resource can have at most {TAG_LIMIT} tags.")
        self.tags[arn] = merged

    def tag_list(self, arn: str) -> list[dict[str, str]]:
        """Return tags as AWS shows them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.get(arn, {}).items()]

    def _known(self, arn: str) -> str:
        parts = arn.split(":", 6)
        if len(parts) != 7 or parts[2] != "rds":
            raise AwsError("InvalidParameterValue", f"Invalid resource name: {arn}")
        kind, name = parts[5], parts[6]
        if kind == "db":
            return self.find_instance(name).arn
        if kind == "cluster":
            return self.find_cluster(name).arn
        if kind in ("pg", "cluster-pg") and (kind == "cluster-pg", name) in self.groups:
            return self.groups[kind == "cluster-pg", name].arn
        raise AwsError("DBParameterGroupNotFound", f"No such resource: {arn}", status=404)
