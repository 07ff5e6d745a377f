"""One seed's world: hosts, a storage, people, and what goes wrong between them."""

from __future__ import annotations

import hashlib
import random
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from engine.executor.settings import ExecutorSettings
from engine.journal.changes import Changes
from engine.journal.protocol import Journal
from engine.journal.requirements import source_of
from engine.log.event_encoding import encode_event, variant_of
from engine.log.ids import make_execution_id
from engine.simulation.seeded.auditor import Auditor
from engine.simulation.seeded.deployment import make_deployment, without_schedules
from engine.simulation.seeded.ending import Judge
from engine.simulation.seeded.faults import Fault, Weather
from engine.simulation.seeded.host import BEGINNING, Effects, Host, HostClock
from engine.simulation.seeded.link import Link
from engine.simulation.seeded.people import People
from engine.simulation.seeded.scripts import RUN, RUN_CANCELLABLE, Author
from engine.simulation.seeded.storage import Storage
from engine.simulation.seeded.tasks import Group, Livelock, Scheduler
from engine.simulation.seeded.threads import Log, substituted

GENERATOR = 2
"""Counts changes after which the same seed is another world."""
_MOST_STEPS = 50_000
_PATIENCE_S = 120.0
_STORM_S = 6.0
_MOST_AHEAD = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a seed.

    Args:
        seed: Which one.
        problem: What did not hold, in one sentence; ``None`` if all did.
        digest: Over everything that was written, in its order; the same for the same seed.
        steps: How often another task was taken up.
        commits: How many commits changed anything.
        executions: How many executions there were.
        faults: How often something went wrong.
        simulated_s: How much time passed in it.
    """

    seed: int
    problem: str | None
    digest: str
    steps: int
    commits: int
    executions: int
    faults: int
    simulated_s: float


class World:
    """Lets one seed take its course.

    Args:
        seed: Decides everything.
        without: What never goes wrong.
        workflows: How many top-level workflows there are at most; ``None`` leaves that to the seed.
        trace: Is told what happens, line by line.
    """

    def __init__(
        self,
        seed: int,
        *,
        without: Collection[Fault] = (),
        workflows: int | None = None,
        trace: Callable[[str], None] | None = None,
    ) -> None:
        self._seed = seed
        self._trace = trace
        self._problems: list[str] = []
        self._digest = hashlib.blake2b(digest_size=16)
        self._commits = 0
        shape = self._stream("shape")
        self._scheduler = Scheduler(self._stream("order"), most_steps=_MOST_STEPS)
        self._weather = Weather(self._stream, without=without)
        self._auditor = Auditor(self._report)
        self._storage = Storage(self._scheduler, self._stream("storage"), self._note_change)
        self._effects = Effects()
        self._registry = make_deployment(shape)
        self._busy_people = 0
        self._hosts = [self._make_host(number, shape) for number in range(1, shape.choice((1, 2, 2, 3)) + 1)]
        author = Author(self._stream("scripts"))
        self._workflows = [
            (shape.choice((RUN, RUN, RUN_CANCELLABLE)), author.workflow()) for _ in range(shape.randint(1, 5))
        ][:workflows]
        self._people_chance = self._stream("people")
        self._people = People(
            self._people_chance,
            clock=HostClock(self._scheduler),
            registry=self._registry,
            auditor=self._auditor,
            choose_journal=self._choose_journal,
        )
        self._peoples_link = self._connect(None, None)

    def run(self) -> Ending:
        """Let everything happen, and judge it."""
        with substituted(self._scheduler, self._stream("threads"), Log(self._hear)):
            try:
                self._take_course()
            except Livelock as error:
                self._report(f"it goes on for ever: {error}")
            finally:
                self._scheduler.close()
        return Ending(
            seed=self._seed,
            problem=self._problems[0] if self._problems else None,
            digest=self._digest.hexdigest(),
            steps=self._scheduler.steps,
            commits=self._commits,
            executions=len(self._auditor.states),
            faults=self._weather.count,
            simulated_s=self._scheduler.now_s,
        )

    # The course of things.

    def _take_course(self) -> None:
        scheduler = self._scheduler
        for host in self._hosts:
            host.start()
        self._let("submit", self._submit_all)
        if self._registry.deployment.crons:
            # Every executor does so when it begins.
            for _ in self._hosts:
                self._let("schedule", self._people.make_schedules)
        self._let("answer", self._answer_now_and_then)
        self._let("disturb", self._disturb)
        self._let("nemesis", self._strike)
        self._run(lambda: False, _STORM_S)
        self._say("calm")
        self._weather.is_calm = True
        for host in self._hosts:
            host.group.frozen_until_s = 0.0
        scheduler.start(self._clean_up, name="clean up")
        if not self._run(lambda: not self._auditor.unfinished and not self._busy_people, _PATIENCE_S):
            self._report_stranded()
        self._stop_all()
        if not self._problems:
            judge = Judge(
                self._auditor,
                self._storage.journal,
                self._registry,
                self._effects,
                self._stream("end"),
                self._report,
                are_clocks_right=not self._weather.is_possible(Fault.JUMP),
            )
            judge.check_all()

    def _run(self, until: Callable[[], bool], for_s: float) -> bool:
        """Let things happen until something holds, or does not hold that must; tell whether either came in time."""
        scheduler = self._scheduler
        came = scheduler.run(
            until=lambda: bool(self._problems or scheduler.crashes) or until(), until_s=scheduler.now_s + for_s
        )
        for task, error in scheduler.crashes:
            where = "".join(traceback.format_exception(error)) if self._trace else repr(error)
            self._report(f"thread {task.name!r} died: {where}")
        return came

    def _stop_all(self) -> None:
        stopped: list[int] = []
        self._run(lambda: all(host.is_up for host in self._hosts), _PATIENCE_S)
        for host in self._hosts if not self._problems else ():
            if host.is_up:
                host.stop(partial(stopped.append, host.number))
        if not self._run(lambda: len(stopped) == len(self._hosts), _PATIENCE_S):
            threads = [self._scheduler.waiting(host.group) for host in self._hosts]
            self._report(f"an executor does not stop, or does not start again; its threads: {threads}")

    def _report_stranded(self) -> None:
        for state in self._auditor.unfinished.values():
            self._report(
                f"{state.execution_id} ({state.ffqn}) is stranded: {state.lifecycle} and {state.status}, due at"
                f" {state.due_at.isoformat()}, held by {state.holder}, after {self._scheduler.now_s:.0f} s"
            )
        if not self._auditor.unfinished and not self._problems:
            self._report("a client does not get any answer")

    # People.

    def _let(self, name: str, body: Callable[[], None]) -> None:
        self._busy_people += 1

        def act() -> None:
            body()
            self._busy_people -= 1

        self._scheduler.start(act, name=name)

    def _submit_all(self) -> None:
        for number, (ffqn, script) in enumerate(self._workflows):
            self._scheduler.sleep(self._people_chance.random() ** 2 * 1.5)
            new_id = make_execution_id(BEGINNING, number.to_bytes(10, "big"))
            self._say(f"submit {new_id} {script}")
            self._people.submit(new_id, ffqn, script)

    def _answer_now_and_then(self) -> None:
        while not self._weather.is_calm:
            self._scheduler.sleep(self._people_chance.random() * 2)
            self._people.answer_all(0.5)
            if self._people_chance.random() < 0.3:
                self._people.signal_somebody()

    def _disturb(self) -> None:
        while not self._weather.is_calm:
            self._scheduler.sleep(self._people_chance.random() * 2)
            if self._weather.has(Fault.CANCEL) and self._people_chance.random() < 0.4:
                self._people.cancel_somebody()
            if self._weather.has(Fault.PAUSE) and self._people_chance.random() < 0.4:
                self._people.pause_somebody()
            if self._people_chance.random() < 0.3:
                self._people.unpause_all()

    def _clean_up(self) -> None:
        if self._registry.deployment.crons:
            for host in self._hosts:
                host.use(without_schedules(self._registry))
        while True:
            self._people.end_schedules()
            self._people.unpause_all()
            self._people.answer_all()
            self._scheduler.sleep(0.5)

    def _choose_journal(self) -> Journal:
        """Return the journal of some process that is up, or people's own; a moment later, so that time passes."""
        self._scheduler.sleep(0.01)
        host = self._people_chance.choice(self._hosts)
        if host.is_up and host.executor is not None and self._people_chance.random() < 0.5:
            return host.executor.journal
        return self._peoples_link

    # What goes wrong with processes.

    def _strike(self) -> None:
        chance = self._weather.chance
        acts = {
            Fault.KILLED: self._kill,
            Fault.STOPPED: self._restart,
            Fault.FROZEN: self._freeze,
            Fault.JUMP: self._put_clock,
        }
        while True:
            self._scheduler.sleep(chance.random() * 1.5)
            if self._weather.is_calm:
                return
            host = chance.choice(self._hosts)
            fault = chance.choice(tuple(acts))
            if not self._weather.has(fault) or not host.is_up or self._storage.writer is host.group:
                continue
            self._weather.count += 1
            self._say(f"host {host.number}: {fault}")
            acts[fault](host)

    def _kill(self, host: Host) -> None:
        self._scheduler.kill(host.group)

    def _restart(self, host: Host) -> None:
        host.stop(partial(host.start, after_s=0.1))

    def _freeze(self, host: Host) -> None:
        host.group.frozen_until_s = self._scheduler.now_s + self._weather.chance.choice((0.2, 1.0, 2.5))

    def _put_clock(self, host: Host) -> None:
        host.clock.ahead = _MOST_AHEAD * (self._weather.chance.random() * 2 - 1)

    def _bury(self, host: Host, group: Group) -> None:
        self._say(f"host {host.number}: dead")
        self._storage.close(group)
        host.start(after_s=self._weather.chance.random())

    # What is written.

    def _connect(self, host: Host | None, group: Group | None) -> Link:
        return Link(
            self._storage, self._scheduler, self._weather, group=group, on_commit=lambda: self._note_commit(host)
        )

    def _note_commit(self, writer: Host | None) -> None:
        self._commits += 1
        for host in self._hosts:
            if host is writer:
                continue
            if self._weather.has(Fault.LOST):
                fate = self._weather.chance.random()
                if fate < 0.3:
                    continue
                host.notice(0.001 if fate < 0.6 else fate * 2)
            else:
                host.notice(0.001)

    def _note_change(self, changes: Changes, writer: str | None, now: datetime) -> None:
        self._digest.update(f"{self._scheduler.now_s} {writer}".encode())
        for execution_id, entry in changes.entries:
            self._digest.update(f"{execution_id} {entry.version} {encode_event(entry.event)}".encode())
        if self._trace is not None:
            lines = [
                f"{execution_id}#{entry.version} {variant_of(entry.event)}" for execution_id, entry in changes.entries
            ]
            lines += [f"{response.execution_id}<-{source_of(response)}" for response in changes.responses]
            if lines:
                self._say(f"{self._name_of(writer)} writes {', '.join(lines)}")
        self._auditor.check(changes, writer, now)

    def _name_of(self, writer: str | None) -> str:
        return next((f"host {host.number}" for host in self._hosts if host.group.name == writer), "somebody")

    # Accounts.

    def _make_host(self, number: int, shape: random.Random) -> Host:
        settings = ExecutorSettings(
            slots=shape.choice((1, 2, 4)),
            commit_window=timedelta(milliseconds=shape.choice((0, 10, 10, 50))),
            buffer_events=shape.choice((2, 1000)),
            hot_wait=timedelta(milliseconds=shape.choice((0, 50, 300))),
            timer_leeway=timedelta(milliseconds=shape.choice((0, 100))),
            stop_grace=timedelta(seconds=1),
        )
        return Host(
            number,
            scheduler=self._scheduler,
            weather=self._weather,
            auditor=self._auditor,
            effects=self._effects,
            settings=settings,
            registry=self._registry,
            connect=self._connect,
            on_death=self._bury,
            seed=f"{self._seed}",
        )

    def _stream(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")  # a seed decides everything

    def _hear(self, level: str, event: str, data: dict[str, Any]) -> None:
        if self._scheduler.is_condemned:
            return
        self._say(f"{level} {event} {data}")
        if level == "error":
            self._report(f"an executor logs {event}: {data}")

    def _report(self, problem: str) -> None:
        self._say(f"PROBLEM {problem}")
        self._problems.append(problem)

    def _say(self, line: str) -> None:
        if self._trace is not None:
            self._trace(f"{self._scheduler.now_s:9.4f} {line}")
