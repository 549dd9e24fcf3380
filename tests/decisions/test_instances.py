"""What the status of an instance means: ready, on its way, or broken."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.instances import BROKEN, broken_failure, is_broken, unsettled
from pg_cdc.failures import NotProved, PreflightFailed
from tests.decisions.parameters.parameter_world import aurora, member, rds


@pytest.mark.parametrize(
    ("status", "apply_status", "waits"),
    [
        pytest.param("available", "in-sync", False, id="ready"),
        pytest.param("available", "pending-reboot", False, id="a-pending-reboot-does-not-end-by-waiting"),
        pytest.param("available", "applying", True, id="applying"),
        pytest.param("rebooting", "in-sync", True, id="rebooting"),
        pytest.param("backing-up", "in-sync", True, id="backing-up"),
    ],
)
def test_an_instance_is_waited_for(status, apply_status, waits):
    database = aurora(member(), member("shop-2", writer=False, status=status, cluster_apply_status=apply_status))

    assert bool(unsettled(database)) is waits
    assert not is_broken(database)
    assert broken_failure(database) is None


def test_a_cluster_that_is_being_modified_is_waited_for():
    assert unsettled(aurora(status="modifying")) == ("shop is modifying",)


def test_an_instance_of_rds_is_named_once():
    assert len(unsettled(rds(status="rebooting"))) == 1


@pytest.mark.parametrize("status", sorted(BROKEN))
def test_a_broken_instance_is_not_waited_for(status):
    database = aurora(member(), member("shop-2", writer=False, status=status))

    failure = broken_failure(database)

    assert is_broken(database)
    assert failure is not None
    assert f"shop-2 is {status}" in failure.found


def test_parameters_that_keep_a_server_from_starting_are_our_failure_and_the_rest_is_not():
    ours = broken_failure(aurora(member(status="incompatible-parameters"), cluster_parameter_group="orders"))
    theirs = broken_failure(aurora(member(status="storage-full")))

    assert isinstance(ours, NotProved)
    assert "in orders put back the values" in ours.next
    assert isinstance(theirs, PreflightFailed)
