"""docker-compose.yaml and the image it builds, read as they stand: no engine is needed."""

from __future__ import annotations

import re

import pytest
import yaml

from sandbox.demo.settings import ROOT

TEXT = (ROOT / "docker-compose.yaml").read_text()
START = (ROOT / "compose" / "start").read_text()
DOCKERFILE = (ROOT / "compose" / "Dockerfile").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
AIRFLOW = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
CELERY = {"redis", "worker"}
NAMES = sorted(SERVICES)
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


def volumes_of(name):
    return dict(volume.split(":", 1) for volume in SERVICES[name].get("volumes", []))


def test_the_services_are_the_sandbox_airflow_and_what_airflow_stores_in():
    assert set(SERVICES) == AIRFLOW | {"sandbox", "metadata", "redis"}


def test_only_redis_and_the_workers_wait_for_the_celery_profile():
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}

    assert profiles == {name: ["celery"] for name in CELERY}


@pytest.mark.parametrize("name", sorted(set(SERVICES) - CELERY))
def test_the_default_profile_waits_for_nothing_of_the_celery_profile(name):
    assert not CELERY & set(SERVICES[name].get("depends_on", ()))


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_the_executor_is_chosen_by_one_variable_for_every_part_of_airflow(name):
    assert SERVICES[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "${AIRFLOW_EXECUTOR:-LocalExecutor}"


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_checked_or_waits_for_one_that_is(name):
    service = SERVICES[name]
    waits = service.get("depends_on", {})

    assert "healthcheck" in service or waits
    assert set(waits) <= set(SERVICES)
    assert {wait["condition"] for wait in waits.values()} <= CONDITIONS
    healthy = [other for other, wait in waits.items() if wait["condition"] == "service_healthy"]
    assert [other for other in healthy if "healthcheck" not in SERVICES[other]] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_service_runs_the_image_built_here(name):
    assert SERVICES[name]["image"] == "airflow-pg-cdc"
    assert SERVICES[name]["build"] == {"context": ".", "dockerfile": "compose/Dockerfile"}


def test_the_image_starts_from_debian_and_runs_as_a_plain_user():
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["debian:bookworm-slim"]
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["airflow"]


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_carries_a_password_or_an_address_that_has_one(name):
    variables = SERVICES[name].get("environment", {})

    assert [key for key in variables if re.search("PASSWORD|SECRET|FERNET|AUTH$|BROKER|RESULT_BACKEND|CONN", key)] == []
    assert [value for value in map(str, variables.values()) if re.search(r"://[^/]*@", value)] == []


@pytest.mark.parametrize(
    "key",
    [
        "METADATA_PASSWORD",
        "REDISCLI_AUTH",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CELERY__RESULT_BACKEND",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__CORE__FERNET_KEY",
    ],
)
def test_every_secret_is_made_at_random_on_the_first_start(key):
    (value,) = re.findall(rf"^export {key}=(.*)$", START, re.MULTILINE)

    assert re.search(r"\$password|\$broker_password|\$\(random \d+\)|generate_key\(\)", value)


@pytest.mark.parametrize("name", NAMES)
def test_every_service_reads_the_same_secrets(name):
    assert volumes_of(name)["secrets"] == "/opt/airflow-pg-cdc/secrets"


def test_redis_asks_for_the_password_that_the_broker_url_carries():
    assert "redis://:$broker_password@redis:6379/0" in START
    assert "export REDISCLI_AUTH=$broker_password" in START
    assert re.search(r'redis-server - .*<<<"requirepass \$REDISCLI_AUTH"', START)


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_every_part_of_airflow_sees_the_same_connections_logs_and_reports(name):
    assert {"sandbox", "logs", "reports"} <= set(volumes_of(name))
    assert (
        SERVICES[name]["environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://api-server:8080/execution/"
    )


def test_only_the_ui_is_published_and_only_on_loopback():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api-server": ["127.0.0.1:${PG_CDC_UI_PORT:-8080}:8080"]}


def test_every_volume_used_is_declared():
    used = {volume for name in SERVICES for volume in volumes_of(name)}

    assert used == set(COMPOSE["volumes"])
