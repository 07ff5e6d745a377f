"""Schedules on a clock that only the test moves."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.cron.schedule import CronSchedule
from engine.cron.seeds import cron_digest
from engine.cron.ticks import MissedTicks, Overlap
from engine.deployment.registry import Registry
from engine.deployment.spec import ComponentId, ComponentType, CronSpec, DeploymentSpec
from engine.executor import cron_run
from engine.executor.cron_seeds import current_seed, first_seed, make_seeds, next_seed, retire_seed
from engine.log.events import Created, Finished, FunctionNotFound, Locked, Paused, Scheduled, Unlocked, Unpaused
from engine.log.ids import ExecutionId, is_top_level, parse_top_level_id
from engine.log.return_values import CANCELLED, FailureKind
from engine.log.state import Status
from engine.simulation.connection import Cut, Moment, ProcessKilled
from engine.simulation.stepped import simulated_settings
from engine.wit.names import FunctionName
from tests.harness import steps as s
from tests.harness.components import ADD, RUN, deploy
from tests.harness.simulation import Simulation

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def cron(
    schedule: str = "* * * * *",
    *,
    target: str = ADD,
    params: str = "[1, 2]",
    missed: MissedTicks = MissedTicks.RUN_ONCE,
    overlap: Overlap = Overlap.ALLOW,
) -> CronSpec:
    parsed = CronSchedule.parse(schedule)
    digest = cron_digest("tick", target, params, parsed)
    return CronSpec(
        id=ComponentId(component_type=ComponentType.CRON, name="tick", digest=digest),
        target=FunctionName.parse(target),
        params=params,
        schedule=parsed,
        missed=missed,
        overlap=overlap,
    )


def with_cron(*crons: CronSpec) -> Registry:
    base = deploy().deployment
    return Registry(DeploymentSpec(id=base.id, components=base.components, crons=crons))


def world_of(*crons: CronSpec, seed: int = 0, executors: int = 1, **settings: Any) -> Simulation:
    world = Simulation(registry=with_cron(*crons), seed=seed, interleaving=0.5 if executors > 1 else 0.0)
    make_seeds(world.journal, world.registry, world.clock.now())
    for _ in range(executors):
        world.start_executor(settings=simulated_settings(**settings))
    return world


def started(world: Simulation, ffqn: str = ADD) -> list[tuple[ExecutionId, Created]]:
    found = []
    for execution_id in list(world.memory._states):
        created = world.events_of(execution_id)[0]
        assert isinstance(created, Created)
        if created.ffqn == ffqn:
            found.append((execution_id, created))
    return sorted(found, key=lambda each: each[1].scheduled_at)


def times(world: Simulation) -> list[str]:
    return [f"{created.scheduled_at:%H:%M:%S}" for _, created in started(world)]


def next_due(world: Simulation) -> datetime | None:
    return world.journal.outlook(world.clock.now(), leeway=timedelta()).next_at


def pass_time(world: Simulation, until: datetime) -> None:
    """Move the clock from one thing that falls due to the next."""
    world.run_to_rest()
    while (wake_up := next_due(world)) is not None and wake_up <= until:
        world.advance(wake_up - world.clock.now())
        world.run_to_rest()
    world.advance(until - world.clock.now())


def pass_time_and_be_killed(world: Simulation, cut: Cut, until: datetime) -> None:
    """Do the same with an executor that dies, if it comes that far, and is followed by another one."""
    world.start_executor(cut=cut)
    try:
        pass_time(world, until)
    except ProcessKilled:
        world.start_executor()
        pass_time(world, until)


def test_it_is_started_at_once_and_then_at_every_tick() -> None:
    world = world_of(entry := cron("*/20 * * * *"))
    world.advance(7 * MINUTE)
    pass_time(world, world.clock.now() + timedelta(hours=1))

    assert times(world) == ["00:07:00", "00:20:00", "00:40:00", "01:00:00"]
    execution_id, created = started(world)[1]
    seed = first_seed(entry.id.digest)
    assert is_top_level(execution_id)
    assert (created.scheduled_by, created.parent, created.params) == (seed, None, "[1,2]")
    assert world.result_of(execution_id) == {"ok": 3}
    assert [type(event) for event in world.events_of(seed)][:4] == [Created, Locked, Scheduled, Unlocked]
    state = world.state_of(seed)
    assert (state.status, state.ffqn) == (Status.PENDING_AT, f"obelisk-cron-{ADD}")


def test_once_is_started_once_and_its_seed_ends() -> None:
    world = world_of(entry := cron("@once"))
    pass_time(world, world.clock.now() + timedelta(days=2))

    assert len(started(world)) == 1
    assert [type(event) for event in world.events_of(first_seed(entry.id.digest))] == [
        Created,
        Locked,
        Scheduled,
        Finished,
    ]

    make_seeds(world.journal, world.registry, world.clock.now())
    pass_time(world, world.clock.now() + timedelta(days=2))
    assert len(started(world)) == 1


@pytest.mark.parametrize("seed", range(8))
def test_two_executors_start_it_once_a_tick(seed: int) -> None:
    world = world_of(cron("*/10 * * * * *"), seed=seed, executors=2)
    pass_time(world, world.clock.now() + MINUTE)

    assert times(world) == [f"00:00:{second:02}" for second in range(0, 60, 10)] + ["00:01:00"]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("number", range(1, 9))
def test_whoever_is_killed_a_tick_is_neither_lost_nor_doubled(number: int, moment: Moment) -> None:
    world = Simulation(registry=with_cron(cron("*/10 * * * * *")))
    make_seeds(world.journal, world.registry, world.clock.now())
    pass_time_and_be_killed(world, Cut(number, moment), world.clock.now() + MINUTE)

    # One that was late because of the kill keeps the others where they are.
    planned = [created.scheduled_at.second // 10 * 10 for _, created in started(world)]
    assert planned == [0, 10, 20, 30, 40, 50, 0]


def leave_out(world: Simulation, entry: CronSpec) -> None:
    """Leave the next tick of an entry out, as a person does."""
    seed = first_seed(entry.id.digest)
    following = entry.schedule.next_after(world.state_of(seed).due_at)
    assert following is not None
    world.append(seed, Unlocked(backoff_expires_at=following, reason="cron: the tick is left out"))


@pytest.mark.parametrize("missed", MissedTicks)
@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("number", range(1, 9))
def test_whoever_is_killed_a_tick_that_was_left_out_stays_out(number: int, moment: Moment, missed: MissedTicks) -> None:
    world = Simulation(registry=with_cron(entry := cron("*/10 * * * * *", missed=missed)))
    make_seeds(world.journal, world.registry, world.clock.now())
    end = world.clock.now() + MINUTE
    first = world.start_executor()
    world.run_to_rest()
    world.executors.remove(first)
    leave_out(world, entry)
    leave_out(world, entry)

    pass_time_and_be_killed(world, Cut(number, moment), end)

    planned = [created.scheduled_at.second // 10 * 10 for _, created in started(world)]
    assert planned == [0, 30, 40, 50, 0]


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("number", range(1, 9))
def test_a_tick_left_out_after_a_kill_stays_out_too(number: int, moment: Moment) -> None:
    world = Simulation(registry=with_cron(entry := cron("*/10 * * * * *")))
    make_seeds(world.journal, world.registry, world.clock.now())
    end = world.clock.now() + MINUTE
    world.start_executor(cut=Cut(number, moment))
    with contextlib.suppress(ProcessKilled):
        pass_time(world, end - 25 * SECOND)
    world.executors.clear()
    world.start_executor()
    pass_time(world, end - 25 * SECOND)
    leave_out(world, entry)
    pass_time(world, end)

    planned = [created.scheduled_at.second // 10 * 10 for _, created in started(world)]
    assert planned == [0, 10, 20, 30, 50, 0]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (MissedTicks.SKIP, ["00:00:00", "00:06:00"]),
        (MissedTicks.RUN_ONCE, ["00:00:00", "00:05:30", "00:06:00"]),
        (MissedTicks.RUN_ALL, ["00:00:00", *["00:05:30"] * 5, "00:06:00"]),
    ],
)
def test_ticks_that_nobody_looked_at(missed: MissedTicks, expected: list[str]) -> None:
    world = world_of(cron(missed=missed))
    world.run_to_rest()

    world.advance(5 * MINUTE + 30 * SECOND)
    pass_time(world, world.clock.now() + MINUTE)

    assert times(world) == expected


def test_more_missed_ticks_than_fit_into_one_write_are_all_made_up_for() -> None:
    world = world_of(cron("* * * * * *", missed=MissedTicks.RUN_ALL))
    world.run_to_rest()

    world.advance(250 * SECOND)
    world.run_to_rest()

    assert len(started(world)) == 251


def test_it_is_not_started_while_the_last_one_goes_on() -> None:
    sleeps = json.dumps(s.params_of([s.sleep(s.after_ms(150_000))]))
    world = world_of(cron(target=RUN, params=sleeps, overlap=Overlap.SKIP))

    pass_time(world, world.clock.now() + 7 * MINUTE)

    assert [f"{created.scheduled_at:%M}" for _, created in started(world, RUN)] == ["00", "03", "06"]


def test_a_tick_that_was_passed_over_says_why() -> None:
    sleeps = json.dumps(s.params_of([s.sleep({"in": {"days": 3}})]))
    world = world_of(entry := cron("*/5 * * * *", target=RUN, params=sleeps, overlap=Overlap.SKIP))
    pass_time(world, world.clock.now() + timedelta(hours=2))

    [(first, _)] = started(world, RUN)
    reasons = world.unlock_reasons_of(first_seed(entry.id.digest))
    assert reasons == ["cron", *[f"cron: {first} is not finished"] * 24]


def test_a_schedule_is_looked_at_although_all_slots_are_taken() -> None:
    world = world_of(cron(), slots=1)
    world.executors[0].executor._slots.take(world.registry.deployment.components[0])

    pass_time(world, world.clock.now() + 2 * MINUTE)

    assert len(started(world)) == 3
    assert not any(world.is_finished(execution_id) for execution_id, _ in started(world))


def test_a_paused_schedule_does_nothing_until_it_goes_on() -> None:
    world = world_of(entry := cron(missed=MissedTicks.SKIP))
    world.run_to_rest()
    seed = first_seed(entry.id.digest)
    world.append(seed, Paused())
    pass_time(world, world.clock.now() + 10 * MINUTE)
    assert len(started(world)) == 1

    world.append(seed, Unpaused())
    pass_time(world, world.clock.now() + MINUTE)

    assert times(world) == ["00:00:00", "00:11:00"]


def test_a_function_that_is_gone_is_said_in_the_log_of_the_seed() -> None:
    world = world_of(entry := cron(target="test:gone/api.f", params="[]"))
    world.run_to_rest()

    [event] = [e for e in world.events_of(first_seed(entry.id.digest)) if isinstance(e, Scheduled)]
    assert event.error == FunctionNotFound()
    assert world.state_of(first_seed(entry.id.digest)).status is Status.PENDING_AT


def test_an_unchanged_entry_keeps_its_seed_and_a_retired_one_that_comes_back_gets_another() -> None:
    world = world_of(entry := cron())
    world.run_to_rest()
    first = first_seed(entry.id.digest)
    make_seeds(world.journal, world.registry, world.clock.now())
    assert current_seed(world.journal, entry) == (first, True)

    retire_seed(world.journal, first, world.clock.now())
    retire_seed(world.journal, first, world.clock.now())
    assert world.retval_of(first) == CANCELLED
    assert world.state_of(first).result_kind == FailureKind.CANCELLED.value

    make_seeds(world.journal, world.registry, world.clock.now())
    second = next_seed(first)
    world.run_to_rest()
    assert current_seed(world.journal, entry) == (second, True)
    assert parse_top_level_id(second) == second
    assert len(started(world)) == 2


def test_a_seed_that_is_retired_during_a_tick_starts_nothing() -> None:
    world = world_of(entry := cron())
    executor = world.executors[0]
    executor.tick(world.clock.now())
    assert len(executor.tasks.waiting) == 1  # locked, and not yet done

    retire_seed(world.journal, first_seed(entry.id.digest), world.clock.now())
    world.run_to_rest()

    assert started(world) == []


def test_seeds_are_of_1970() -> None:
    assert first_seed(f"sha256:{'a' * 64}").startswith("E_00")


# --- Handing over -----------------------------------------------------------------------------------------------------


@pytest.fixture
def short_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds that hand over after three ticks or four: created, then locked, scheduled, unlocked at each."""
    monkeypatch.setattr(cron_run, "MAX_EVENTS", 9)


def seeds_of(world: Simulation, entry: CronSpec) -> list[ExecutionId]:
    """All seeds of an entry, in the order of their succession."""
    seeds = [first_seed(entry.id.digest)]
    while next_seed(seeds[-1]) in world.memory._states:
        seeds.append(next_seed(seeds[-1]))
    return seeds


@pytest.mark.usefixtures("short_logs")
def test_a_seed_whose_log_is_long_hands_over_to_another_one() -> None:
    world = world_of(entry := cron())
    pass_time(world, world.clock.now() + 7 * MINUTE)

    assert times(world) == [f"00:{minute:02}:00" for minute in range(8)]
    first, second, third = seeds_of(world, entry)
    assert [type(event) for event in world.events_of(first)] == [
        *(Created, Locked, Scheduled, Unlocked),
        *(Locked, Scheduled, Unlocked),
        *(Locked, Scheduled, Finished),
    ]
    created = world.events_of(second)[0]
    assert isinstance(created, Created)
    assert (created.scheduled_by, f"{created.scheduled_at:%H:%M:%S}") == (first, "00:03:00")
    assert [created.scheduled_by for _, created in started(world)] == [first] * 3 + [second] * 3 + [third] * 2
    assert current_seed(world.journal, entry) == (third, True)

    make_seeds(world.journal, world.registry, world.clock.now())
    assert seeds_of(world, entry) == [first, second, third]


@pytest.mark.usefixtures("short_logs")
@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("number", range(3, 13))
def test_whoever_is_killed_around_a_handover_a_tick_is_neither_lost_nor_doubled(number: int, moment: Moment) -> None:
    world = Simulation(registry=with_cron(entry := cron("*/10 * * * * *")))
    make_seeds(world.journal, world.registry, world.clock.now())
    pass_time_and_be_killed(world, Cut(number, moment), world.clock.now() + MINUTE)

    planned = [created.scheduled_at.second // 10 * 10 for _, created in started(world)]
    assert planned == [0, 10, 20, 30, 40, 50, 0]
    assert len(seeds_of(world, entry)) >= 2
    unfinished = [seed for seed in seeds_of(world, entry) if not world.is_finished(seed)]
    assert unfinished == seeds_of(world, entry)[-1:]


@pytest.mark.usefixtures("short_logs")
@pytest.mark.parametrize("seed", range(8))
def test_two_executors_hand_over_once(seed: int) -> None:
    world = world_of(entry := cron("*/10 * * * * *"), seed=seed, executors=2)
    pass_time(world, world.clock.now() + MINUTE)

    assert times(world) == [f"00:00:{second:02}" for second in range(0, 60, 10)] + ["00:01:00"]
    assert len(seeds_of(world, entry)) == 3


@pytest.mark.usefixtures("short_logs")
@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (MissedTicks.SKIP, ["00:00:00", "00:01:00", "00:02:00", "00:08:00"]),
        (MissedTicks.RUN_ONCE, ["00:00:00", "00:01:00", "00:02:00", "00:07:30", "00:08:00"]),
        (MissedTicks.RUN_ALL, ["00:00:00", "00:01:00", "00:02:00", *["00:07:30"] * 5, "00:08:00"]),
    ],
)
def test_ticks_that_fall_behind_a_handover_can_be_missed_too(missed: MissedTicks, expected: list[str]) -> None:
    world = world_of(entry := cron(missed=missed))
    pass_time(world, world.clock.now() + 2 * MINUTE)
    assert len(seeds_of(world, entry)) == 2

    world.advance(5 * MINUTE + 30 * SECOND)
    pass_time(world, world.clock.now() + MINUTE)

    assert times(world) == expected


@pytest.mark.usefixtures("short_logs")
def test_what_goes_on_is_known_to_the_seeds_that_come_after_the_one_that_started_it() -> None:
    sleeps = json.dumps(s.params_of([s.sleep({"in": {"minutes": 25}})]))
    world = world_of(entry := cron(target=RUN, params=sleeps, overlap=Overlap.SKIP))

    pass_time(world, world.clock.now() + 30 * MINUTE)

    assert [f"{created.scheduled_at:%M}" for _, created in started(world, RUN)] == ["00", "26"]
    assert len(seeds_of(world, entry)) > 5


@pytest.mark.usefixtures("short_logs")
def test_a_successor_is_retired_and_followed_like_any_seed() -> None:
    world = world_of(entry := cron())
    pass_time(world, world.clock.now() + 4 * MINUTE)
    _, second = seeds_of(world, entry)

    retire_seed(world.journal, second, world.clock.now())
    assert current_seed(world.journal, entry) == (next_seed(second), False)
    make_seeds(world.journal, world.registry, world.clock.now())

    assert current_seed(world.journal, entry) == (next_seed(second), True)
