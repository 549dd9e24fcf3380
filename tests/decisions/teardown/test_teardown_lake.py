"""A bucket's files stay at a teardown, unless a human asks; and nobody else's ever go."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.lake.files import FolderState
from pg_cdc.decisions.teardown.lake import lake_item, no_bucket
from pg_cdc.decisions.teardown.residue import Fate, judge
from tests.decisions.lake.test_lake import FILE, migration

OURS = FolderState(owner="orders", files=(FILE,))
ASKED = Teardown(delete_lake_files=True)


@pytest.mark.parametrize(
    ("state", "teardown", "fate"),
    [
        pytest.param(OURS, Teardown(), Fate.KEPT, id="kept-unless-asked"),
        pytest.param(OURS, ASKED, Fate.LEFT, id="goes-when-asked"),
        pytest.param(FolderState(owner="orders"), ASKED, Fate.LEFT, id="the-mark-alone-goes-too"),
        pytest.param(OURS, Teardown(delete_lake_files=True, keep=[Keep.TARGET]), Fate.KEPT, id="keep-is-stronger"),
        pytest.param(FolderState(owner="payments", files=(FILE,)), ASKED, Fate.FOREIGN, id="anothers"),
        pytest.param(FolderState(files=(FILE,)), ASKED, Fate.FOREIGN, id="nobody-says-whose"),
        pytest.param(FolderState(), ASKED, Fate.GONE, id="nothing-there"),
    ],
)
def test_the_fate_of_a_folder(state, teardown, fate):
    item = lake_item(migration(), state, teardown)

    assert judge(item.trace).fate is fate
    assert item.goes is (fate is Fate.LEFT)


def test_the_command_by_hand_spares_a_folder_of_another_migration():
    trace = lake_item(migration(), FolderState(owner="orders", nested=("orders/old/",)), ASKED).trace

    assert trace.command == "aws s3 rm --recursive s3://my-lake/orders/ --exclude 'old/*'"


def test_a_bucket_that_is_gone_leaves_nothing():
    assert judge(no_bucket(migration()).trace).fate is Fate.GONE
