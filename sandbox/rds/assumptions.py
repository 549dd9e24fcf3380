"""What AWS does and no page says: each a named switch, so that a test can try the other answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Assumptions:
    """Error codes are AWS's ``Error.Code``."""

    too_many_parameters: str = "InvalidParameterValue"
    default_group_modified: str = "InvalidDBParameterGroupState"
    force_failover_single_az: str = "InvalidParameterCombination"
    reboot_aurora_cluster: str = "InvalidParameterCombination"
    reboot_multi_az_writer: str = "InvalidParameterCombination"
    replica_of_a_replica: str = "InvalidParameterCombination"
    leftover_slots_stop_the_start: bool = True
    """Without logical replication and with slots left, the server does not start; False: such a slot is dropped."""
