"""The demo goes by the engine and the kind of source that were asked for."""

from __future__ import annotations

import pytest

from sandbox.demo.settings import DAGS, SOURCES, BadSetting, settings_from
from sandbox.demo.shop import MAKERS


@pytest.mark.parametrize(
    ("environment", "dag_id"),
    [
        pytest.param({}, "pg_cdc_migrate", id="dms-unless-asked"),
        pytest.param({"ENGINE": ""}, "pg_cdc_migrate", id="an-empty-variable-asks-for-nothing"),
        pytest.param({"ENGINE": "native"}, "pg_cdc_native", id="native"),
    ],
)
def test_the_engine_decides_which_dag_is_triggered(environment, dag_id):
    assert DAGS[settings_from(environment).engine] == dag_id


def test_an_unknown_engine_is_refused_with_those_that_there_are():
    with pytest.raises(BadSetting, match="dms or native"):
        settings_from({"ENGINE": "magic"})


def test_the_target_is_a_database_unless_asked():
    assert settings_from({"TARGET": ""}).target == "postgres"
    assert settings_from({"TARGET": "s3"}).target == "s3"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        pytest.param({"TARGET": "tape"}, "postgres or s3", id="an-unknown-one"),
        pytest.param({"TARGET": "s3", "ENGINE": "native"}, "ENGINE=dms", id="a-bucket-subscribes-to-nothing"),
    ],
)
def test_a_target_that_cannot_be_is_refused(environment, told):
    with pytest.raises(BadSetting, match=told):
        settings_from(environment)


def test_every_source_that_can_be_asked_for_can_be_made():
    assert set(SOURCES) == set(MAKERS)
    assert settings_from({}).source == "aurora"
    assert settings_from({"SOURCE": "rds"}).source == "rds"


def test_an_unknown_source_is_refused_with_those_that_there_are():
    with pytest.raises(BadSetting, match=r"SOURCE=oracle.\nExpected: aurora or rds or multi-az-cluster"):
        settings_from({"SOURCE": "oracle"})
