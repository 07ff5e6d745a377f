from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from engine.deployment.spec import ComponentType
from engine.errors import ValueMismatch
from engine.log.call_options import lock_for_call, option_metadata
from engine.log.events import Locked
from tests.builders import NOW, make_locked

SECOND = timedelta(seconds=1)


def _locked(kind: ComponentType) -> Locked:
    locked = make_locked()
    return replace(locked, component_id=replace(locked.component_id, component_type=kind))


ACTIVITY = _locked(ComponentType.ACTIVITY)


def test_an_activitys_lock_is_what_its_call_says() -> None:
    metadata = (("label:a", "b"), *option_metadata(max_retries=2, attempt_timeout=SECOND * 7))

    lock = lock_for_call(ACTIVITY, metadata, now=NOW)

    assert (lock.max_retries, lock.lock_expires_at) == (2, NOW + SECOND * 7)
    assert lock.retry_backoff == ACTIVITY.retry_backoff


def test_what_a_call_leaves_out_is_the_functions() -> None:
    lock = lock_for_call(ACTIVITY, option_metadata(max_retries=0, attempt_timeout=None), now=NOW)

    assert lock == replace(ACTIVITY, max_retries=0)
    assert lock_for_call(ACTIVITY, option_metadata(max_retries=None, attempt_timeout=None), now=NOW) is ACTIVITY


def test_a_workflows_lock_stays_as_it_is() -> None:
    workflow = _locked(ComponentType.WORKFLOW)

    assert lock_for_call(workflow, option_metadata(max_retries=2, attempt_timeout=SECOND), now=NOW) is workflow


@pytest.mark.parametrize(
    ("retries", "timeout"), [(-1, None), (2**32, None), (None, timedelta()), (None, -SECOND), (None, SECOND * 10**8)]
)
def test_options_out_of_range_are_refused(retries: int | None, timeout: timedelta | None) -> None:
    with pytest.raises(ValueMismatch):
        option_metadata(max_retries=retries, attempt_timeout=timeout)
