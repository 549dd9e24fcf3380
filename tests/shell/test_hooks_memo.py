"""A step makes each hook once, and no hook outlives its step."""

import threading

import pytest

from pg_cdc.config import Migration
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.memo import hooks_shared, shared_hook
from pg_cdc.hooks.rds import CdcRdsHook

HOOKS = [pytest.param(CdcRdsHook, id="rds"), pytest.param(CdcDmsHook, id="dms")]


@pytest.fixture(autouse=True, scope="module")
def clients_made_once() -> None:
    """Share nothing here: that is what is tested."""


@pytest.mark.parametrize("hook", HOOKS)
def test_inside_a_step_an_account_has_one_hook_of_a_service(hook):
    with hooks_shared():
        assert hook.of(Migration()) is hook.of(Migration())


@pytest.mark.parametrize("hook", HOOKS)
def test_outside_of_a_step_every_hook_is_a_new_one(hook):
    assert hook.of(Migration()) is not hook.of(Migration())


def test_another_region_or_connection_is_another_hook():
    with hooks_shared():
        made = {
            id(hook.of(Migration(aws={"conn_id": conn_id, "region": region})))
            for hook in (CdcRdsHook, CdcDmsHook)
            for conn_id in ("aws_default", "aws_other")
            for region in ("eu-west-1", "eu-west-2")
        }
        assert len(made) == 8


def test_a_hook_does_not_outlive_its_step():
    with hooks_shared():
        first = CdcDmsHook.of(Migration())
    with hooks_shared():
        assert CdcDmsHook.of(Migration()) is not first


def test_a_block_inside_another_shares_with_it_and_leaves_it_open():
    with hooks_shared():
        first = shared_hook(object, "a")
        with hooks_shared():
            assert shared_hook(object, "a") is first
        assert shared_hook(object, "a") is first


def test_another_thread_has_hooks_of_its_own():
    seen = []
    with hooks_shared():
        first = shared_hook(object, "a")
        thread = threading.Thread(target=lambda: seen.append(shared_hook(object, "a")))
        thread.start()
        thread.join()

    assert seen[0] is not first


def test_an_error_in_a_step_ends_the_sharing():
    with pytest.raises(RuntimeError), hooks_shared():
        first = shared_hook(object, "a")
        raise RuntimeError
    assert shared_hook(object, "a") is not first
