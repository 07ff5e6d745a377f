"""The simulation itself: the same seed is the same world, and what failed once is tried again."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engine.simulation.__main__ import main
from engine.simulation.seeded.campaign import Variant, run_all
from engine.simulation.seeded.faults import Fault

_KNOWN = Path(__file__).with_name("seeds.toml")


def _known_seeds() -> list[int]:
    return [row["seed"] for row in tomllib.loads(_KNOWN.read_text())["seed"]]


def _digest(seed: int, *, hash_seed: str) -> str:
    """Return a seed's digest as another process finds it."""
    output = _simulate("--seed", str(seed), hash_seed=hash_seed)
    return next(line for line in output.splitlines() if line.startswith("digest "))


def _simulate(*arguments: str, hash_seed: str = "0") -> str:
    """Return what the command prints, in a process that may fork."""
    command = [sys.executable, "-m", "engine.simulation", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=100).stdout


@pytest.mark.parametrize("seed", [3, 17])
def test_a_seed_is_the_same_world_in_every_process(seed: int) -> None:
    here = Variant(seed=seed).run()

    assert Variant(seed=seed).run() == here
    assert _digest(seed, hash_seed="1") == _digest(seed, hash_seed="2") == f"digest {here.digest}"


def test_different_seeds_are_different_worlds() -> None:
    assert len({ending.digest for ending in run_all(range(20), jobs=1)}) == 20


@pytest.mark.parametrize("seed", _known_seeds())
def test_what_failed_once_does_not_fail_again(seed: int) -> None:
    assert Variant(seed=seed).run().problem is None


def test_a_hundred_seeds_keep_every_promise() -> None:
    endings = list(run_all(range(100), jobs=1))

    assert [ending for ending in endings if ending.problem is not None] == []
    # A world in which nothing goes wrong, or nothing happens, would not show much.
    assert sum(ending.faults for ending in endings) > 5 * len(endings)
    assert sum(ending.commits for ending in endings) > 30 * len(endings)


def test_without_faults_nothing_goes_wrong() -> None:
    endings = list(run_all(range(20), jobs=1, without=tuple(Fault)))

    assert [ending.problem for ending in endings] == [None] * 20
    assert sum(ending.faults for ending in endings) == 0


def test_the_command_sums_up_what_it_ran(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "4-6", "--jobs", "1"]) == 0

    assert capsys.readouterr().out.splitlines()[-1].startswith("3 seeds: ")


def test_processes_that_share_the_seeds_come_to_the_same() -> None:
    one, two = (_simulate("--seeds", "30-52", "--jobs", jobs).splitlines()[-1] for jobs in ("1", "2"))

    assert one.partition(" in ")[0] == two.partition(" in ")[0]
    assert one.startswith("23 seeds: ")


@pytest.mark.parametrize("text", ["many", "17-", "1-2-3"])
def test_seeds_that_are_none_are_refused_in_one_sentence(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--seeds", text])

    assert f"{text!r} is neither a number of seeds nor a range such as 17-42" in capsys.readouterr().err


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--seed", "1", "--without", "rain"])

    assert "'rain' is not a valid Fault; there are refused, unanswered" in capsys.readouterr().err
