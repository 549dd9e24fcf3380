"""Write docs/reference/spec.md from the spec's models; ``--check`` fails when it is stale.

Usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "spec.md"
HEAD = """# The migration spec

Made from `plugins/pg_cdc/config/` by `make reference`. A field is `<section>_<field>` in the trigger form and in a
run's `conf`, and `<section>: {{<field>: …}}` in a YAML file under `include/migrations/`. A key that is not here is an
error. Most migrations need `name`, `source_identifier`, `source_database`, the target, and the selection rules.

## Migration

{head}

| field | type | default | rule | what it is |
|---|---|---|---|---|
{name}
"""
LIMITS = {
    "pattern": "`{}`",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters or fewer",
    "minItems": "{} entries or more",
    "maxItems": "{} entries or fewer",
}


def page() -> str:
    """Return the page."""
    sys.path.insert(0, str(ROOT / "plugins"))
    from pg_cdc.config import Migration

    schema = Migration.model_json_schema()
    defaults = Migration().model_dump(mode="json")
    name = _row("name", schema["properties"]["name"], schema, defaults["name"])
    return HEAD.format(head=_prose(schema), name=name) + "".join(
        _section(section, _resolved(reference, schema), schema, defaults[section])
        for section, reference in schema["properties"].items()
        if section != "name"
    )


def _section(name: str, model: Mapping[str, Any], schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    rows = "\n".join(_row(field, about, schema, defaults[field]) for field, about in model["properties"].items())
    return (
        f"\n## {_prose(model).splitlines()[0] or name} (`{name}`)\n\n"
        f"| field | type | default | rule | what it is |\n|---|---|---|---|---|\n{rows}\n"
    )


def _row(field: str, about: Mapping[str, Any], schema: Mapping[str, Any], default: Any) -> str:
    kinds = [_resolved(kind, schema) for kind in about.get("anyOf", [about])]
    types = " or ".join("empty" if kind["type"] == "null" else kind["type"] for kind in kinds)
    rules = "; ".join(rule for kind in kinds for rule in _rules(kind))
    shown = "" if default in (None, "") else f"`{json.dumps(default, ensure_ascii=False)}`"
    cells = (f"`{field}`", types, shown, rules, _prose(_resolved(about, schema)))
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


def _rules(kind: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in kind:
        yield "one of " + ", ".join(f"`{value}`" for value in kind["enum"])
    for key, text in LIMITS.items():
        if key in kind:
            yield text.format(kind[key])


def _prose(schema: Mapping[str, Any]) -> str:
    return str(schema.get("description", "")).replace("``", "`")


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return dict(schema)
    return {**root["$defs"][schema["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in schema.items() if k != "$ref"}}


def main() -> int:
    """Write the page, or with ``--check`` say whether it is stale."""
    text = page()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is stale; `make reference` writes it anew", file=sys.stderr)
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
