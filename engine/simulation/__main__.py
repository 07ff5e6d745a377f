"""Simulate many seeds: `make simulate SEEDS=10000`; or look at one: `make simulate SEED=17`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable

from engine.simulation.seeded.campaign import Variant, make_smaller, run_all
from engine.simulation.seeded.faults import Fault
from engine.simulation.seeded.world import Ending

_MOST_SHOWN = 5
_PROGRESS_S = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its result is the process's exit status.

    Args:
        arguments: Of the command line; those of this process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m engine.simulation", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=_seeds, default=_seeds("1000"), help="how many, from 0; or which: 17-42 (1000)")
    which.add_argument("--seed", type=int, help="run this one only, and tell everything that happens")
    parser.add_argument("--jobs", type=int, default=2, help="processes that share the seeds (2)")
    parser.add_argument("--without", type=_faults, default=(), help=f"what never goes wrong: {', '.join(Fault)}")
    parser.add_argument("--workflows", type=int, help="with --seed: at most so many of its workflows")
    chosen = parser.parse_args(arguments)
    if chosen.seed is not None:
        return _show(Variant(seed=chosen.seed, without=chosen.without, workflows=chosen.workflows))
    return _search(chosen.seeds, jobs=chosen.jobs, without=chosen.without)


def _show(variant: Variant) -> int:
    ending = variant.run(trace=_say)
    _say(_summary([ending]))
    _say(f"digest {ending.digest}")
    _say(f"PROBLEM {ending.problem}" if ending.problem else "nothing is wrong")
    return 0 if ending.problem is None else 1


def _search(seeds: range, *, jobs: int, without: tuple[Fault, ...]) -> int:
    endings: list[Ending] = []
    failed: list[Ending] = []
    began = told = time.monotonic()
    for ending in run_all(seeds, jobs=jobs, without=without):
        endings.append(ending)
        if ending.problem is not None:
            failed.append(ending)
            _say(f"seed {ending.seed}: {ending.problem}")
        if time.monotonic() - told > _PROGRESS_S:
            told = time.monotonic()
            _say(f"{len(endings):,} of {len(seeds):,} seeds, {len(failed)} failed, {told - began:.0f} s")
        if len(failed) >= _MOST_SHOWN:
            _say(f"{len(failed)} seeds failed; the others are left out")
            break
    _say(f"{_summary(endings)} in {time.monotonic() - began:.0f} s; {len(failed)} failed")
    for ending in failed:
        variant = Variant(seed=ending.seed, without=without)
        if variant.run().digest != ending.digest:
            _say(f"seed {ending.seed} does not come out the same twice: that is a defect of the simulation")
        _say(f"seed {ending.seed}, with less: {make_smaller(variant).command}")
        _say(f"seed {ending.seed}, as it was: {variant.command}")
    return 1 if failed else 0


def _summary(endings: Iterable[Ending]) -> str:
    ended = list(endings)
    return (
        f"{len(ended):,} seeds: {sum(ending.executions for ending in ended):,} executions,"
        f" {sum(ending.commits for ending in ended):,} commits, {sum(ending.steps for ending in ended):,} steps,"
        f" {sum(ending.faults for ending in ended):,} faults, {sum(ending.simulated_s for ending in ended):,.0f} s of"
        " simulated time"
    )


def _seeds(text: str) -> range:
    first, dash, last = text.partition("-")
    try:
        return range(int(first), int(last) + 1) if dash else range(int(first))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of seeds nor a range such as 17-42") from None


def _faults(text: str) -> tuple[Fault, ...]:
    try:
        return tuple(Fault(name) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; there are {', '.join(Fault)}") from None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
