"""The client `obelisk` at a terminal: pictures, colours, keys, completion."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.clients import SCRIPT, Obelisk
from tests.acceptance.sites import Site
from tests.harness.terminals import CTRL_C, CTRL_U, Terminal, at_terminal

FIBO = "testing:fibo-workflow/workflow.fiboa"
ESCAPE = "\x1b["
SHOW_CURSOR = f"{ESCAPE}?25h"
HIDE_CURSOR = f"{ESCAPE}?25l"
PROMPT = "ready> "


@pytest.fixture(scope="module")
def obelisk(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Obelisk]:
    site = Site(tmp_path_factory.mktemp("client"))
    shutil.copytree(template, site.data_dir)
    site.start("serve", "--no-job").wait_for("Ctrl-C stops everything")
    yield Obelisk.of(site)
    site.kill()


@pytest.fixture(scope="module")
def execution_id(obelisk: Obelisk) -> str:
    """A finished execution."""
    return obelisk("execution", "submit", FIBO, "[10, 1]", "--follow").err.strip()


# --- What is shown ----------------------------------------------------------------------------------------------------


def test_what_runs_is_shown_until_ctrl_c_which_leaves_the_terminal_clean(obelisk: Obelisk) -> None:
    paused = obelisk("execution", "submit", FIBO, "[10, 1]", "--paused").out.strip()

    with obelisk.at_terminal("execution", "get", paused, "--follow") as terminal:
        terminal.wait_for(HIDE_CURSOR)
        terminal.wait_for("paused")
        terminal.wait_for("workflow.fiboa")
        terminal.press(CTRL_C)
        status, shown = terminal.wait()

    assert status == 130
    _, cursor, rest = shown.rpartition(SHOW_CURSOR)
    assert cursor
    assert f"{paused} goes on; `obelisk execution get {paused}` shows it" in rest
    assert "Traceback" not in shown


def test_a_result_is_coloured_unless_somebody_minds(obelisk: Obelisk, execution_id: str) -> None:
    green = f"{ESCAPE}32m"

    with obelisk.at_terminal("execution", "list") as terminal:
        assert green in terminal.wait()[1]
    with obelisk.at_terminal("execution", "list", NO_COLOR="1") as terminal:
        status, shown = terminal.wait()
    assert (status, green in shown, execution_id in shown) == (0, False, True)


def test_colours_that_are_asked_for_do_not_change_what_programs_read(obelisk: Obelisk, execution_id: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        (found,) = obelisk.json("execution", "list", "--execution-id", execution_id)
        (line,) = obelisk("execution", "list", "--execution-id", execution_id).out.splitlines()

    assert found["execution_id"] == execution_id
    assert line.split("\t")[:3] == [execution_id, "ok", FIBO]


@pytest.mark.parametrize("columns", [60, 200])
def test_ids_stay_in_one_piece(obelisk: Obelisk, execution_id: str, columns: int) -> None:
    with obelisk.at_terminal("execution", "list", columns=columns, NO_COLOR="1") as terminal:
        status, shown = terminal.wait()

    assert status == 0
    assert execution_id in shown
    assert all(len(line) <= columns for line in _plain(shown).splitlines())


def _plain(shown: str) -> str:
    """Return what is shown without the codes of bold text."""
    for code in ("0", "1"):
        shown = shown.replace(f"{ESCAPE}{code}m", "")
    return shown


# --- Completion -------------------------------------------------------------------------------------------------------


@pytest.fixture
def bash(obelisk: Obelisk, tmp_path: Path) -> Iterator[Terminal]:
    """A bash that completes what is typed for `obelisk`."""
    script = tmp_path / "obelisk"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(SCRIPT)} "$@"\n')
    script.chmod(0o755)
    environment = {
        **obelisk.environment(),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "PS1": PROMPT,
        "HISTFILE": "",
        "TERM": "dumb",
        "INPUTRC": "/dev/null",
    }
    with at_terminal(["bash", "--norc", "--noprofile", "-i"], environment=environment, columns=200) as terminal:
        terminal.wait_for(PROMPT)
        terminal.press(b'eval "$(obelisk completion bash)"\n')
        terminal.wait_for(PROMPT)
        yield terminal


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("execution can", "execution cancel "),
        ("execution submit --pau", "execution submit --paused "),
        ("execution list --status=paus", "execution list --status=paused "),
        # Bash ends words at colons.
        ("execution submit testing:fibo/", "execution submit testing:fibo/fibo.fibo "),
        ("execution submit .../workflow.fibow", "execution submit .../workflow.fibow "),
        ("component inspect fibo_", "component inspect fibo_workflow "),
        ("deployment show Dep", "deployment show {deployment_id} "),
        ("execution get {execution_id}.o:1", "execution get {execution_id}.o:1-fibo_1 "),
    ],
)
def test_bash_completes(bash: Terminal, obelisk: Obelisk, execution_id: str, typed: str, completed: str) -> None:
    known = {"execution_id": execution_id, "deployment_id": obelisk("deployment", "active").out.strip()}

    bash.press(f"obelisk {typed.format(**known)}\t".encode())

    bash.wait_for(f"obelisk {completed.format(**known)}")


def test_bash_lists_what_fits(bash: Terminal) -> None:
    bash.press(b"obelisk execution submit testing:fibo-workflow/workflow.fibo\t\t")

    shown = bash.wait_for(PROMPT)

    assert {"fibow", "fiboa", "fiboa-concurrent"} <= {word.rpartition(".")[2] for word in shown.split()}


def test_completion_without_a_server_is_silent(bash: Terminal) -> None:
    bash.press(b"export OBELISK_API_URL=http://127.0.0.1:9\n")
    bash.wait_for(PROMPT)
    bash.press(b"obelisk execution get E_\t\t")
    bash.press(CTRL_U + b"echo done\n")

    assert "rror" not in bash.wait_for("\ndone")
