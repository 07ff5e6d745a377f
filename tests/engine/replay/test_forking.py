from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from engine.journal.memory import MemoryJournal
from engine.journal.records import Committed
from engine.log.events import Created
from engine.log.ids import DelayId, ExecutionId, Version
from engine.replay.forking import ForkRequest, Translation, plan_fork, prefix_of
from engine.replay.subject import Subject
from engine.simulation.recordings import Recording, last_instant, parse_recording
from tests.builders import DEPLOYMENT, make_component_id, make_execution_id
from tests.harness.world import check_log

OLD = ExecutionId("E_01J00000000000000000000001.n:1_1")
NEW = make_execution_id(9)
HISTORIES = sorted((Path(__file__).parents[2] / "histories").glob("*.json"))


def test_ids_are_translated_wherever_they_stand() -> None:
    text = Translation(OLD, NEW).text

    assert text(OLD) == NEW
    assert text(f"{OLD}.o:1-f_1.g:2_3") == f"{NEW}.o:1-f_1.g:2_3"
    assert text(DelayId(f"Delay_{OLD[2:]}.o:1-sleep_1")) == f"Delay_{NEW[2:]}.o:1-sleep_1"
    assert text(f'["{OLD}",{{"of":"see {OLD}."}}]') == f'["{NEW}",{{"of":"see {NEW}."}}]'


@pytest.mark.parametrize("other", [f"{OLD}0", "E_01J00000000000000000000001", "E_01J00000000000000000000001.n:1_2"])
def test_others_ids_stay_as_they_are(other: str) -> None:
    assert Translation(OLD, NEW).text(other) == other


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_a_fork_from_any_event_is_a_sound_log(file: Path) -> None:
    recording: Recording = parse_recording(json.loads(file.read_text())["executions"])
    target = next(iter(recording))
    recorded = recording[target]
    subject = Subject(state=recorded.state(target), entries=recorded.entries, responses=recorded.responses)

    def created_of(child: ExecutionId) -> Created:
        event = recording[child].entries[0].event
        assert isinstance(event, Created)
        return event

    for version in range(len(recorded.entries)):
        request = ForkRequest(
            new_id=NEW,
            version=Version(version),
            now=last_instant(recording) + timedelta(hours=1),
            component_id=make_component_id(),
            deployment_id=DEPLOYMENT,
            seed="0" * 32,
            created_of=created_of,
            component_of=lambda _ffqn: None,
            paused=version % 2 == 1,
        )
        journal = MemoryJournal()
        writes = plan_fork(subject, prefix_of(subject, version), request)
        for outcome in journal.commit(writes, now=request.now).outcomes:
            assert isinstance(outcome, Committed), outcome
        entries, responses = journal.load_log(NEW), journal.load_responses(NEW)
        check_log(NEW, entries, responses, journal.state_of(NEW))
        for child in [row for row in journal._states if row != NEW]:
            check_log(child, journal.load_log(child), [], journal.state_of(child))
