"""How tests are shared out among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.sharing_out import shared_by, urgency

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/webhooks/test_x.py::test_a", "tests/webhooks/test_x.py::TestB::test_b[c]"),
        ("tests/browser/test_x.py::test_a", "tests/browser/test_y.py::test_a"),
        ("tests/chaos/test_x.py::test_a[sqlite-forward]", "tests/chaos/test_y.py::test_b[sqlite]"),
        ("tests/chaos/test_x.py::test_a[postgresql-forward]", "tests/chaos/test_y.py::test_b"),
    ],
)
def test_what_shares_something_is_run_by_one_process(one: str, other: str) -> None:
    assert shared_by(one) == shared_by(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tests/webhooks/test_x.py::test_a", "tests/webhooks/test_y.py::test_a"),
        ("tests/chaos/test_x.py::test_a[sqlite-forward]", "tests/chaos/test_x.py::test_a[postgresql-forward]"),
    ],
)
def test_the_rest_is_run_by_any(one: str, other: str) -> None:
    assert shared_by(one) != shared_by(other)


def test_sites_come_before_what_is_quick() -> None:
    assert urgency("tests/chaos/test_x.py::test_a") < urgency("tests/acceptance/test_x.py::test_a")
    assert urgency("tests/acceptance/test_x.py::test_a") < urgency("tests/webhooks/test_x.py::test_a")


@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_a_module_stays_with_one_process(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, dist: str) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for module in "abcd":
        pytester.makepyfile(
            **{
                f"test_{module}": """
                import os

                import pytest

                @pytest.mark.parametrize("number", range(20))
                def test_it(number, record_property):
                    record_property("by", f"{__name__} {os.environ['PYTEST_XDIST_WORKER']}")
                """
            }
        )
    pytester.makeconftest(
        """
        import collections

        ran = collections.defaultdict(set)

        def pytest_runtest_logreport(report):
            for _, by in report.user_properties:
                module, worker = by.split()
                ran[module].add(worker)

        def pytest_terminal_summary(terminalreporter):
            terminalreporter.line(f"most: {max(map(len, ran.values()), default=0)}")
        """
    )

    result = pytester.runpytest_subprocess(
        "-n", "2", "--dist", dist, "-p", "tests.harness.sharing_out", "-p", "no:randomly"
    )

    result.assert_outcomes(passed=80)
    result.stdout.fnmatch_lines(["most: 1"])
