from __future__ import annotations

from datetime import timedelta

import pytest

from components.manifest import CronEntry, parse_manifest
from components.problems import DeploymentRefused
from engine.cron.schedule import CronSchedule
from engine.cron.ticks import MissedTicks, Overlap


def parsed(body: str) -> CronEntry:
    [entry] = parse_manifest(f"[[cron]]\n{body}", file_name="deployment.toml").entries
    assert isinstance(entry, CronEntry)
    return entry


def problem(body: str) -> str:
    with pytest.raises(DeploymentRefused) as refused:
        parsed(body)
    [found] = refused.value.problems
    return found


def test_what_may_be_left_out() -> None:
    entry = parsed('ffqn = "test:adder/api.add"\nschedule = "@daily"')

    assert (entry.name, str(entry.target), entry.params) == ("api.add", "test:adder/api.add", "[]")
    assert entry.schedule == CronSchedule("@daily", "UTC")
    assert (entry.missed, entry.overlap) == (MissedTicks.RUN_ONCE, Overlap.ALLOW)
    assert entry.lock_expiry == timedelta(seconds=1)


def test_everything() -> None:
    entry = parsed(
        'name = "nightly"\nffqn = "test:adder/api.add"\nparams = "[1, 2]"\nschedule = "30 2 * * *"\n'
        'timezone = "Europe/Berlin"\nmissed = "run_all"\noverlap = "skip"\nexec.lock_expiry.seconds = 5'
    )

    assert (entry.name, entry.params) == ("nightly", "[1, 2]")
    assert entry.schedule == CronSchedule("30 2 * * *", "Europe/Berlin")
    assert (entry.missed, entry.overlap) == (MissedTicks.RUN_ALL, Overlap.SKIP)
    assert entry.lock_expiry == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('schedule = "@often"', "key \"schedule\" cannot be used: '@often' is no cron expression"),
        ('schedule = "* * */20 * 1L"', "'* * */20 * 1L' never comes"),
        ('schedule = "@daily"\ntimezone = "Europe/Bonn"', "'Europe/Bonn' is no time zone; write a name such as"),
        (f'schedule = "{"*" * 300}"', 'key "schedule" is longer than 200 characters'),
        ("", 'key "schedule"'),
        ('schedule = "@daily"\nmissed = "later"', 'must be one of "skip", "run_once", "run_all", got "later"'),
        ('schedule = "@daily"\nexec.locking_strategy = "by_ffqns"', "cannot be chosen for a cron entry; leave it out"),
        ('schedule = "@daily"\nmax_retries = 1', 'key "max_retries" is unknown'),
    ],
)
def test_mistakes_are_one_sentence_with_their_place(body: str, message: str) -> None:
    found = problem(f'ffqn = "test:adder/api.add"\n{body}')

    assert found.startswith('deployment.toml: [[cron]] #1 "test:adder/api.add": ')
    assert message in found
