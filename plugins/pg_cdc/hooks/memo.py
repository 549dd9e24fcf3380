"""One hook for each service and account while a step runs: making a boto3 client takes longer than most calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Hook = TypeVar("Hook")

_HOOKS: ContextVar[dict[Any, Any] | None] = ContextVar("pg_cdc_hooks", default=None)


@contextmanager
def hooks_shared() -> Iterator[None]:
    """Share hooks until the end of the block; inside another such block, with that one."""
    if _HOOKS.get() is not None:
        yield
        return
    token = _HOOKS.set({})
    try:
        yield
    finally:
        _HOOKS.reset(token)


def shared_hook(make: Callable[[], Hook], *key: Any) -> Hook:
    """Return the hook of ``key``, made once in a ``hooks_shared`` block and anew outside of one."""
    hooks = _HOOKS.get()
    if hooks is None:
        return make()
    if key not in hooks:
        hooks[key] = make()
    found: Hook = hooks[key]
    return found
