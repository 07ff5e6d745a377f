from __future__ import annotations

import pytest

from engine.errors import ExecutionNotFound, IdSyntaxError
from engine.log.ids import DelayId, ExecutionId
from engine.log.state import Status
from executions.operations.delays import DelayCancelling, DelayNotFound, cancel_delay, pause_delay, unpause_delay
from tests.harness import steps as s
from tests.harness.live import LiveWorld

LONG = {"in": {"days": 30}}


def delay_of(target: ExecutionId) -> DelayId:
    return DelayId(f"Delay_{target.removeprefix('E_')}.o:1-sleep_1")


def sleeping(world: LiveWorld, schedule: object = LONG) -> ExecutionId:
    target = world.submit_steps(s.sleep(schedule))  # type: ignore[arg-type]  # a schedule
    world.wait_until(lambda: world.state_of(target).status is Status.BLOCKED_BY_JOIN_SET)
    return target


def test_a_cancelled_delay_ends_the_sleep_with_an_error() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = sleeping(world)
        delay = delay_of(target)

        assert cancel_delay(delay, journal=world.journal) is DelayCancelling.CANCELLED
        world.on_write()

        world.run(target)
        assert world.result_of(target) == {"ok": ["err"]}
        assert cancel_delay(delay, journal=world.journal) is DelayCancelling.ALREADY_CANCELLED
        world.check(target)


def test_a_delay_that_fired_is_not_cancelled() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = world.submit_steps(s.sleep(s.after_ms(1)))
        world.run(target)

        assert cancel_delay(delay_of(target), journal=world.journal) is DelayCancelling.ALREADY_FINISHED


def test_a_paused_delay_fires_when_it_goes_on() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = sleeping(world, s.after_ms(150))
        delay = delay_of(target)
        pause_delay(delay, journal=world.journal)
        pause_delay(delay, journal=world.journal)

        later = sleeping(world, s.after_ms(300))
        world.run(later)
        assert not world.is_finished(target)

        unpause_delay(delay, journal=world.journal)
        world.on_write()
        world.run(target)
        assert world.responses_of(target)


def test_what_has_fired_or_never_was_is_not_found() -> None:
    with LiveWorld() as world:
        world.start_executor()
        target = world.submit_steps(s.sleep(s.after_ms(1)))
        world.run(target)

        for delay in (delay_of(target), delay_of(ExecutionId("E_01J00000000000000000009999"))):
            with pytest.raises(DelayNotFound, match=f"delay {delay} not found"):
                pause_delay(delay, journal=world.journal)
        with pytest.raises(ExecutionNotFound):
            cancel_delay(DelayId("Delay_01J00000000000000000009999.o:1-sleep_1"), journal=world.journal)


def test_an_executions_id_is_no_delays() -> None:
    with LiveWorld() as world, pytest.raises(IdSyntaxError):
        pause_delay(DelayId("E_01J00000000000000000009999"), journal=world.journal)
