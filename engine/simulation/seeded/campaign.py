"""Many seeds, on all cores; and a failing one made smaller."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from engine.simulation.seeded.faults import Fault
from engine.simulation.seeded.world import Ending, World

_CHUNK = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A world: a seed, and what is left out of it.

    Args:
        seed: Decides everything.
        without: What never goes wrong.
        workflows: How many top-level workflows there are at most.
    """

    seed: int
    without: tuple[Fault, ...] = ()
    workflows: int | None = None

    def run(self, *, trace: Callable[[str], None] | None = None) -> Ending:
        """Let it take its course."""
        return World(self.seed, without=self.without, workflows=self.workflows, trace=trace).run()

    @property
    def command(self) -> str:
        """What to type to see it again."""
        options = [f"--without {','.join(self.without)}"] if self.without else []
        if self.workflows is not None:
            options.append(f"--workflows {self.workflows}")
        return f"make simulate SEED={self.seed}" + (f" ARGS='{' '.join(options)}'" if options else "")


def run_all(seeds: Iterable[int], *, jobs: int, without: tuple[Fault, ...] = ()) -> Iterator[Ending]:
    """Run seeds and return how each ended, in any order.

    Args:
        seeds: Which.
        jobs: How many processes share them; 1 runs them in this one.
        without: What never goes wrong.
    """
    run = partial(_run, without)
    if jobs == 1:
        yield from map(run, seeds)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(run, seeds, chunksize=_CHUNK)


def make_smaller(variant: Variant) -> Variant:
    """Return a variant of a failing world that fails with less: fewer kinds of faults, fewer workflows."""
    for fault in Fault:
        less = replace(variant, without=(*variant.without, fault))
        if fault not in variant.without and less.run().problem is not None:
            variant = less
    for workflows in (1, 2, 3):
        fewer = replace(variant, workflows=workflows)
        if fewer.run().problem is not None:
            return fewer
    return variant


def _run(without: tuple[Fault, ...], seed: int) -> Ending:
    return Variant(seed=seed, without=without).run()
