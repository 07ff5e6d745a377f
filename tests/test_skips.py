from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run_with_plugin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(
        """
        from tests.skips import SkipsFail

        def pytest_configure(config):
            if not hasattr(config, "workerinput"):
                config.pluginmanager.register(SkipsFail())
        """
    )
    return pytester


SKIPPED_TEST = "import pytest\ndef test_a(): pytest.skip('no database here')"
SKIPPED_MODULE = "import pytest\npytest.importorskip('no_such_module')"


@pytest.mark.parametrize(
    ("source", "processes", "reason"),
    [
        pytest.param(SKIPPED_TEST, "0", "no database here", id="a test"),
        pytest.param(SKIPPED_TEST, "1", "no database here", id="a test in a worker"),
        pytest.param(SKIPPED_MODULE, "1", "no_such_module", id="a module in a worker"),
    ],
)
def test_a_skip_fails_the_session_and_is_listed(
    run_with_plugin: pytest.Pytester, source: str, processes: str, reason: str
) -> None:
    run_with_plugin.makepyfile(test_it=source, test_other="def test_passes(): pass")

    result = run_with_plugin.runpytest_subprocess("-p", "no:django", "-n", processes)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*skipped, which fails in CI*", f"*test_it.py*{reason}*"])


def test_an_expected_failure_is_no_skip(run_with_plugin: pytest.Pytester) -> None:
    run_with_plugin.makepyfile(test_it="import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n")

    result = run_with_plugin.runpytest_subprocess("-p", "no:django")

    assert result.ret == pytest.ExitCode.OK
