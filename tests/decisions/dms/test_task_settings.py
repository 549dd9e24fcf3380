"""Task settings: what the user gave is checked key by key, and only that is compared."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.dms.task_settings import differing_keys, settings_problems

FOUND = {
    "FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE", "CommitRate": 10000},
    "Logging": {
        "EnableLogging": True,
        "LogComponents": [
            {"Id": "SOURCE_CAPTURE", "Severity": "LOGGER_SEVERITY_DEFAULT"},
            {"Id": "TARGET_APPLY", "Severity": "LOGGER_SEVERITY_DEBUG"},
        ],
        "CloudWatchLogGroup": "dms-tasks",
    },
    "PostProcessingRules": None,
}


@pytest.mark.parametrize(
    ("settings", "where", "expected"),
    [
        pytest.param({"FullLoadSetting": {}}, "FullLoadSetting", "FullLoadSettings", id="misspelt-section"),
        pytest.param({"fullloadsettings": {}}, "fullloadsettings", "FullLoadSettings", id="section-in-lower-case"),
        pytest.param(
            {"FullLoadSettings": {"CommitRat": 1}}, "FullLoadSettings.CommitRat", "CommitRate", id="misspelt-key"
        ),
        pytest.param(
            {"CommitRate": 1}, "CommitRate", "CommitRate under FullLoadSettings", id="key-outside-its-section"
        ),
        pytest.param(
            {"FullLoadSettings": {"MaxFullLoadSubTasks": 50}},
            "FullLoadSettings.MaxFullLoadSubTasks",
            "from 1 to 49",
            id="over-the-limit",
        ),
        pytest.param(
            {"FullLoadSettings": {"CommitRate": "10"}}, "FullLoadSettings.CommitRate", "integer", id="text-for-a-number"
        ),
        pytest.param(
            {"FullLoadSettings": {"CommitRate": True}},
            "FullLoadSettings.CommitRate",
            "integer",
            id="truth-for-a-number",
        ),
        pytest.param(
            {"TargetMetadata": {"SupportLobs": "true"}}, "TargetMetadata.SupportLobs", "a bool", id="text-for-a-truth"
        ),
        pytest.param(
            {"FullLoadSettings": {"TargetTablePrepMode": "TRUNCATE"}},
            "FullLoadSettings.TargetTablePrepMode",
            "TRUNCATE_BEFORE_LOAD",
            id="unknown-word",
        ),
        pytest.param({"Logging": True}, "Logging", "a section", id="value-for-a-section"),
        pytest.param(
            {"Logging": {"CloudWatchLogGroup": "x"}}, "Logging.CloudWatchLogGroup", "without it", id="set-by-dms-alone"
        ),
        pytest.param(
            {"Logging": {"LogComponents": [{"Id": "SORTER", "Severity": "LOUD"}]}},
            "Logging.LogComponents[0]",
            "LOGGER_SEVERITY_DEBUG",
            id="unknown-severity",
        ),
        pytest.param(
            {"TargetMetadata": {"FullLobMode": True, "LimitedSizeLobMode": True}},
            "TargetMetadata",
            "exactly one",
            id="two-lob-modes",
        ),
        pytest.param(
            {"ValidationSettings": {"ValidationOnly": True}},
            "ValidationSettings.ValidationOnly",
            "DO_NOTHING",
            id="validation-only-that-would-drop-tables",
        ),
    ],
)
def test_a_wrong_setting_is_named(settings, where, expected):
    problems = {problem.where: problem.expected for problem in settings_problems(settings)}

    assert expected in problems[where]


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="none"),
        pytest.param({"FullLoadSettings": {"MaxFullLoadSubTasks": 49}}, id="at-the-limit"),
        pytest.param({"ErrorBehavior": {"FailOnNoTablesCaptured": True, "RecoverableErrorCount": -1}}, id="errors"),
        pytest.param({"PostProcessingRules": None}, id="null"),
        pytest.param({"Logging": {"LogComponents": FOUND["Logging"]["LogComponents"]}}, id="log-components"),
        pytest.param(
            {
                "ValidationSettings": {"ValidationOnly": True},
                "FullLoadSettings": {"TargetTablePrepMode": "DO_NOTHING"},
            },
            id="validation-only-that-drops-nothing",
        ),
    ],
)
def test_a_right_setting_is_taken(settings):
    assert settings_problems(settings) == ()


def test_all_wrong_settings_are_named_at_once():
    settings = {"Loging": {}, "FullLoadSettings": {"CommitRate": 0, "Foo": 1}}

    assert [problem.where for problem in settings_problems(settings)] == [
        "Loging",
        "FullLoadSettings.CommitRate",
        "FullLoadSettings.Foo",
    ]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        pytest.param({}, (), id="nothing-wanted"),
        pytest.param({"FullLoadSettings": {"CommitRate": 10000}}, (), id="equal"),
        pytest.param({"FullLoadSettings": {"CommitRate": 5}}, ("FullLoadSettings.CommitRate",), id="another-value"),
        pytest.param({"TargetMetadata": {"LobMaxSize": 64}}, ("TargetMetadata.LobMaxSize",), id="section-not-there"),
        pytest.param({"Logging": {"EnableLogging": False}}, ("Logging.EnableLogging",), id="a-truth"),
        pytest.param({"PostProcessingRules": None}, (), id="null-and-null"),
        pytest.param(
            {"Logging": {"LogComponents": [{"Id": "TARGET_APPLY", "Severity": "LOGGER_SEVERITY_DEBUG"}]}},
            (),
            id="one-log-component-of-many",
        ),
        pytest.param(
            {"Logging": {"LogComponents": [{"Id": "TARGET_APPLY", "Severity": "LOGGER_SEVERITY_ERROR"}]}},
            ("Logging.LogComponents.TARGET_APPLY",),
            id="another-severity",
        ),
        pytest.param(
            {"Logging": {"LogComponents": [{"Id": "SORTER", "Severity": "LOGGER_SEVERITY_ERROR"}]}},
            ("Logging.LogComponents.SORTER",),
            id="a-log-component-that-is-not-there",
        ),
    ],
)
def test_only_own_keys_are_compared(wanted, keys):
    assert differing_keys(wanted, FOUND) == keys
