from __future__ import annotations

import threading

from engine.executor.run_context import RunContext, current_run_keys, working_for
from engine.host.context import RunFacts
from engine.log.ids import ExecutorId, RunId
from tests.builders import NOW, make_execution_id


def work(number: int, *, attempt: int = 1) -> RunContext:
    facts = RunFacts(
        execution_id=make_execution_id(number), ffqn="a:b/c.d", parent_id=None, created_at=NOW, attempt=attempt
    )
    return facts, RunId("Run_1"), ExecutorId("Exr_1")


def test_a_line_says_for_which_run_its_thread_works() -> None:
    with working_for(work(1, attempt=2)):
        keys = current_run_keys()

    trace_id = str(keys.pop("trace_id"))
    assert keys == {
        "execution_id": make_execution_id(1),
        "ffqn": "a:b/c.d",
        "run_id": "Run_1",
        "attempt": 2,
        "executor_id": "Exr_1",
    }
    assert len(bytes.fromhex(trace_id)) == 16
    assert current_run_keys() == {}


def test_work_within_work_and_on_other_threads_is_told_apart() -> None:
    elsewhere: list[object] = []
    with working_for(work(1)):
        with working_for(work(2)):
            assert current_run_keys()["execution_id"] == make_execution_id(2)
        thread = threading.Thread(target=lambda: elsewhere.append(current_run_keys()))
        thread.start()
        thread.join()
        assert current_run_keys()["execution_id"] == make_execution_id(1)

    assert elsewhere == [{}]
