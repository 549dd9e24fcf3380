"""Tags of DMS resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms.world import Resource, World

MOST = 10


class Tags:
    """AddTagsToResource, RemoveTagsFromResource, ListTagsForResource."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_tags_to_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Add tags, or replace the values of those that are there."""
        resource = self._resource(parameters["ResourceArn"])
        resource.tags = checked(parameters["Tags"], already=resource.tags)
        return {}

    def remove_tags_from_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Remove the named tags; one that is not there is no error."""
        resource = self._resource(parameters["ResourceArn"])
        for key in parameters["TagKeys"]:
            resource.tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """List the tags of one or of several resources."""
        one = parameters.get("ResourceArn")
        arns = [one] if one else parameters.get("ResourceArnList") or []
        found = [self._resource(arn) for arn in arns]
        rows = [{"Key": k, "Value": v, "ResourceArn": r.arn} for r in found for k, v in r.tags.items()]
        if one:
            rows = [{"Key": row["Key"], "Value": row["Value"]} for row in rows]
        return {"TagList": rows}

    def _resource(self, arn: str) -> Resource:
        for resource in self._world.every():
            if resource.arn == arn:
                return resource
        raise AwsError("ResourceNotFoundFault", f"Resource {arn} not found.")


def checked(tags: Iterable[Mapping[str, str]] | None, *, already: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``already`` plus ``tags``, or refuse what AWS refuses."""
    merged = dict(already or {})
    for tag in tags or ():
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.startswith(("aws:", "dms:")):
            raise AwsError("InvalidParameterValueException", f"Invalid tag {key!r}")
        merged[key] = value
    if len(merged) > MOST:
        raise AwsError("ResourceQuotaExceededFault", f"A resource can have at most {MOST} tags")
    return merged
