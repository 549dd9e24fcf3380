"""The steps that configure the source, as native replication needs them: nothing is preloaded for DMS."""

from __future__ import annotations

from pg_cdc.operators.native.step import NativeSpec
from pg_cdc.operators.source.parameters import (
    AttachParameterGroupOperator,
    EnsureParameterGroupOperator,
    ProveParametersOperator,
    RebootSourceOperator,
    SetParametersOperator,
)


class NativeParameterGroupOperator(NativeSpec, EnsureParameterGroupOperator):
    """Make a parameter group of our own when the attached one cannot or must not be changed."""


class NativeSetParametersOperator(NativeSpec, SetParametersOperator):
    """Set what logical replication needs."""


class NativeAttachGroupOperator(NativeSpec, AttachParameterGroupOperator):
    """Attach our own group, if there is one to attach."""


class NativeRebootOperator(NativeSpec, RebootSourceOperator):
    """Reboot what waits for it."""


class NativeProveParametersOperator(NativeSpec, ProveParametersOperator):
    """Ask the server itself whether the source is ready."""
