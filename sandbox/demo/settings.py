"""Where the demo lives and listens, how large it is, and its passwords, made anew for each run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "shop"
TARGET = "shop-replica"
DATABASE = "shop"
DAGS = {"dms": "pg_cdc_migrate", "native": "pg_cdc_native"}
SOURCES = ("aurora", "rds", "multi-az-cluster")
TARGETS = ("postgres", "s3")
SCHEMA = "shop"
MASTER = "postgres"


class BadSetting(Exception):
    """A variable of the environment does not make sense."""


def _password() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that varies between two demos. ``scale`` 1 is about 590,000 rows; ``pace`` 1 would be as slow as AWS."""

    ui_port: int = 8080
    sandbox_port: int = 4599
    scale: float = 1.0
    pace: float = 0.004
    once: bool = False
    engine: str = "dms"
    source: str = "aurora"
    target: str = "postgres"
    teardown: bool = False
    home: Path = ROOT / ".airflow"
    directory: Path = ROOT / ".sandbox"
    reports: Path = ROOT / "reports"
    host: str = "localhost"
    bind: str = "127.0.0.1"
    source_password: str = field(default_factory=_password, repr=False)
    target_password: str = field(default_factory=_password, repr=False)
    dms_password: str = field(default_factory=_password, repr=False)
    shop_password: str = field(default_factory=_password, repr=False)


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of ``PG_CDC_{UI_PORT,SANDBOX_PORT,SCALE,PACE,HOST}``, ``ENGINE``, ``SOURCE`` and the like.

    ``PG_CDC_HOST``: the name that other containers know this one by; then everything listens on all addresses.
    """
    engine = _one_of(DAGS, environment, "ENGINE")
    return Settings(
        ui_port=_port(environment, "PG_CDC_UI_PORT", 8080),
        sandbox_port=_port(environment, "PG_CDC_SANDBOX_PORT", 4599),
        scale=_positive(environment, "PG_CDC_SCALE", 1.0),
        pace=_positive(environment, "PG_CDC_PACE", 0.004),
        host=environment.get("PG_CDC_HOST") or "localhost",
        bind="0.0.0.0" if environment.get("PG_CDC_HOST") else "127.0.0.1",
        once=_is_on(environment, "ONCE"),
        engine=engine,
        source=_one_of(SOURCES, environment, "SOURCE"),
        target=_target(environment, engine),
        teardown=_is_on(environment, "TEARDOWN"),
    )


def _is_on(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "") not in ("", "0", "false", "no")


def _one_of(known: Iterable[str], environment: Mapping[str, str], name: str) -> str:
    """Return the word of ``name``; the first of ``known`` when it is unset."""
    words = tuple(known)
    word = environment.get(name) or words[0]
    if word not in words:
        raise BadSetting(f"Found: {name}={word}.\nExpected: {' or '.join(words)}.\nNext: correct or unset it.")
    return word


def _target(environment: Mapping[str, str], engine: str) -> str:
    target = _one_of(TARGETS, environment, "TARGET")
    if target == "s3" and engine != "dms":
        raise BadSetting(f"Found: TARGET=s3 with ENGINE={engine}.\nExpected: ENGINE=dms.\nNext: unset ENGINE.")
    return target


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise BadSetting(f"Found: {name}={text}.\nExpected: a port, 1 to 65535.\nNext: correct or unset it.")
    return int(text)


def _positive(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise BadSetting(f"Found: {name}={text}.\nExpected: a number above 0.\nNext: correct or unset it.")
    return value
