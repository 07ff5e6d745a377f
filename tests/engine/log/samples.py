"""One event of each kind and shape, with the text it is stored as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from engine.deployment.spec import ComponentId, ComponentType
from engine.log import events as e
from engine.log.ids import DelayId, DeploymentId, ExecutionId, ExecutorId, JoinSetId, RunId
from engine.log.return_values import CANCELLED, Failed, FailureKind, JsonText, Returned, TypedValue
from engine.log.schedules import At, In, Now

AT = datetime(2026, 1, 31, 12, 30, 15, 250, tzinfo=UTC)
ULID = "01KBNHM5FQW81KP5Y3XMNX31K4"
TOP = ExecutionId(f"E_{ULID}")
JOIN_SET = JoinSetId("n:work")
CHILD = ExecutionId(f"{TOP}.n:work_1")
DELAY = DelayId(f"Delay_{ULID}.n:work_1")
DEPLOYMENT = DeploymentId(f"Dep_{ULID}")
COMPONENT = ComponentId(component_type=ComponentType.ACTIVITY, name="fibo", digest="sha256:0a")

_COMPONENT_JSON = '{"component_type":"activity","name":"fibo","component_digest":"sha256:0a"}'
_AT_JSON = '"2026-01-31T12:30:15.000250Z"'


def _history(inner: str) -> str:
    return '{"history_event":{"event":' + inner + "}}"


def _request(inner: str) -> str:
    return _history('{"type":"join_set_request","join_set_id":"n:work","request":' + inner + "}")


#: Never edit a text: logs hold it. A new form of an event gets a new sample beside the old one.
STORED: Final[list[tuple[e.ExecutionEvent, str]]] = [
    (
        e.Created(
            ffqn="testing:fibo/fibo.fibo",
            params=JsonText('[10,{"a":[1.0,"x"]}]'),
            scheduled_at=AT,
            component_id=COMPONENT,
            deployment_id=DEPLOYMENT,
        ),
        '{"created":{"ffqn":"testing:fibo/fibo.fibo","params":[10,{"a":[1.0,"x"]}],"parent":null,'
        f'"scheduled_at":{_AT_JSON},"component_id":{_COMPONENT_JSON},"deployment_id":"Dep_{ULID}",'
        '"metadata":{},"scheduled_by":null}}',
    ),
    (
        e.Created(
            ffqn="testing:fibo/fibo.fibo",
            params=JsonText("[]"),
            parent=(TOP, JOIN_SET),
            scheduled_at=AT,
            component_id=COMPONENT,
            deployment_id=DEPLOYMENT,
            metadata=(("traceparent", "00-1"), ("b", "")),
            scheduled_by=TOP,
        ),
        f'{{"created":{{"ffqn":"testing:fibo/fibo.fibo","params":[],"parent":["{TOP}","n:work"],'
        f'"scheduled_at":{_AT_JSON},"component_id":{_COMPONENT_JSON},"deployment_id":"Dep_{ULID}",'
        f'"metadata":{{"traceparent":"00-1","b":""}},"scheduled_by":"{TOP}"}}}}',
    ),
    (
        e.Locked(
            component_id=COMPONENT,
            executor_id=ExecutorId(f"Exr_{ULID}"),
            deployment_id=DEPLOYMENT,
            run_id=RunId(f"Run_{ULID}"),
            lock_expires_at=AT,
            max_retries=5,
            retry_backoff=timedelta(seconds=1, milliseconds=100),
        ),
        f'{{"locked":{{"component_id":{_COMPONENT_JSON},"executor_id":"Exr_{ULID}","deployment_id":"Dep_{ULID}",'
        f'"run_id":"Run_{ULID}","lock_expires_at":{_AT_JSON},'
        '"retry_config":{"max_retries":5,"retry_exp_backoff":{"secs":1,"nanos":100000000}}}}',
    ),
    (
        e.Locked(
            component_id=COMPONENT,
            executor_id=ExecutorId(f"Exr_{ULID}"),
            deployment_id=DEPLOYMENT,
            run_id=RunId(f"Run_{ULID}"),
            lock_expires_at=AT,
            max_retries=None,
            retry_backoff=timedelta(),
        ),
        f'{{"locked":{{"component_id":{_COMPONENT_JSON},"executor_id":"Exr_{ULID}","deployment_id":"Dep_{ULID}",'
        f'"run_id":"Run_{ULID}","lock_expires_at":{_AT_JSON},'
        '"retry_config":{"max_retries":null,"retry_exp_backoff":{"secs":0,"nanos":0}}}}',
    ),
    (
        e.Unlocked(backoff_expires_at=AT, reason="executor closing"),
        f'{{"unlocked":{{"backoff_expires_at":{_AT_JSON},"reason":"executor closing"}}}}',
    ),
    (
        e.TemporarilyFailed(backoff_expires_at=AT, reason="activity trap: unreachable"),
        f'{{"temporarily_failed":{{"backoff_expires_at":{_AT_JSON},"reason":"activity trap: unreachable"}}}}',
    ),
    (
        e.TemporarilyFailed(backoff_expires_at=AT, reason="activity finished with error", detail='{"a": 1}\n\u0001é😀'),
        f'{{"temporarily_failed":{{"backoff_expires_at":{_AT_JSON},"reason":"activity finished with error",'
        '"detail":"{\\"a\\": 1}\\n\\u0001é😀"}}',
    ),
    (
        e.TemporarilyTimedOut(backoff_expires_at=AT),
        f'{{"temporarily_timed_out":{{"backoff_expires_at":{_AT_JSON}}}}}',
    ),
    (
        e.Finished(retval=Returned(ok=True, payload=TypedValue("u64", JsonText("18446744073709551615")))),
        '{"finished":{"retval":{"ok":{"type":"u64","value":18446744073709551615}}}}',
    ),
    (
        e.Finished(retval=Returned(ok=False, payload=TypedValue("list<f64>", JsonText('[0.1,1e+20,"NaN"]')))),
        '{"finished":{"retval":{"err":{"type":"list<f64>","value":[0.1,1e+20,"NaN"]}}}}',
    ),
    (e.Finished(retval=Returned(ok=True, payload=None)), '{"finished":{"retval":{"ok":null}}}'),
    (e.Finished(retval=Returned(ok=False, payload=None)), '{"finished":{"retval":{"err":null}}}'),
    (
        e.Finished(retval=Returned(ok=False, payload=None), detail='File "a.py", line 3\n'),
        '{"finished":{"retval":{"err":null},"detail":"File \\"a.py\\", line 3\\n"}}',
    ),
    (
        e.Finished(retval=CANCELLED),
        '{"finished":{"retval":{"execution_failure":{"kind":"cancelled"}}}}',
    ),
    (
        e.Finished(retval=Failed(kind=FailureKind.UNCATEGORIZED, reason="trap", detail="wasm trace")),
        '{"finished":{"retval":{"execution_failure":{"kind":"uncategorized","reason":"trap","detail":"wasm trace"}}}}',
    ),
    (e.Paused(), '"paused"'),
    (e.Unpaused(), '"unpaused"'),
    (e.CancellationRequested(), '"cancellation_requested"'),
    (
        e.ComponentUpgradeFinished(component_digest="sha256:1b", deployment_id=DEPLOYMENT),
        f'{{"component_upgrade_finished":{{"component_digest":"sha256:1b","deployment_id":"Dep_{ULID}",'
        '"outcome":{"type":"success","reason":{"type":"auto"}}}}',
    ),
    (
        e.ComponentUpgradeFinished(
            component_digest="sha256:1b", deployment_id=DEPLOYMENT, automatic=False, forced=True
        ),
        f'{{"component_upgrade_finished":{{"component_digest":"sha256:1b","deployment_id":"Dep_{ULID}",'
        '"outcome":{"type":"success","reason":{"type":"manual","force":true}}}}',
    ),
    (
        e.ComponentUpgradeFinished(
            component_digest="sha256:1b", deployment_id=DEPLOYMENT, failure="changed", automatic=False
        ),
        f'{{"component_upgrade_finished":{{"component_digest":"sha256:1b","deployment_id":"Dep_{ULID}",'
        '"outcome":{"type":"failed","reason":"changed"}}}',
    ),
    (
        e.Persist(value=bytes([0, 255]), kind=e.RandomU64(0, 2**64 - 1)),
        _history(
            '{"type":"persist","value":[0,255],'
            '"kind":{"type":"random_u64","min":0,"max_inclusive":18446744073709551615}}'
        ),
    ),
    (
        e.Persist(value=b"aZ9", kind=e.RandomString(3, 4)),
        _history(
            '{"type":"persist","value":[97,90,57],'
            '"kind":{"type":"random_string","min_length":3,"max_length_exclusive":4}}'
        ),
    ),
    (
        e.Persist(value=bytes(16), kind=e.GeneratedExecutionId()),
        _history('{"type":"persist","value":[' + ",".join(["0"] * 16) + '],"kind":{"type":"execution_id"}}'),
    ),
    (e.JoinSetCreated(join_set_id=JOIN_SET), _history('{"type":"join_set_create","join_set_id":"n:work"}')),
    (
        e.ChildRequested(
            join_set_id=JOIN_SET,
            child_execution_id=CHILD,
            target_ffqn="testing:fibo/fibo.fibo",
            params=JsonText("[10]"),
        ),
        _request(
            f'{{"type":"child_execution_request","child_execution_id":"{CHILD}",'
            '"target_ffqn":"testing:fibo/fibo.fibo","params":[10],"result":{"type":"ok"}}'
        ),
    ),
    (
        e.ChildRequested(
            join_set_id=JOIN_SET,
            child_execution_id=CHILD,
            target_ffqn="a:b/c.d",
            params=JsonText("[]"),
            error=e.FunctionNotFound(),
        ),
        _request(
            f'{{"type":"child_execution_request","child_execution_id":"{CHILD}","target_ffqn":"a:b/c.d",'
            '"params":[],"result":{"type":"function_not_found"}}'
        ),
    ),
    (
        e.ChildRequested(
            join_set_id=JOIN_SET,
            child_execution_id=CHILD,
            target_ffqn="a:b/c.d",
            params=JsonText("[300]"),
            error=e.TypeCheckError("params[0]: expected u8, got 300"),
        ),
        _request(
            f'{{"type":"child_execution_request","child_execution_id":"{CHILD}","target_ffqn":"a:b/c.d",'
            '"params":[300],"result":{"type":"type_check_error","message":"params[0]: expected u8, got 300"}}'
        ),
    ),
    (
        e.DelayRequested(join_set_id=JOIN_SET, delay_id=DELAY, expires_at=AT, schedule_at=Now()),
        _request(
            f'{{"type":"delay_request","delay_id":"{DELAY}","expires_at":{_AT_JSON},"schedule_at":"now",'
            '"paused":false}'
        ),
    ),
    (
        e.DelayRequested(
            join_set_id=JOIN_SET, delay_id=DELAY, expires_at=AT, schedule_at=In(timedelta(days=2)), paused=True
        ),
        _request(
            f'{{"type":"delay_request","delay_id":"{DELAY}","expires_at":{_AT_JSON},'
            '"schedule_at":{"in":{"secs":172800,"nanos":0}},"paused":true}'
        ),
    ),
    (
        e.JoinNext(join_set_id=JOIN_SET, run_expires_at=AT),
        _history(f'{{"type":"join_next","join_set_id":"n:work","run_expires_at":{_AT_JSON},"closing":false}}'),
    ),
    (
        e.JoinNext(join_set_id=JOIN_SET, run_expires_at=AT, requested_ffqn="a:b/c.d", closing=True),
        _history(
            f'{{"type":"join_next","join_set_id":"n:work","run_expires_at":{_AT_JSON},"closing":true,'
            '"requested_ffqn":"a:b/c.d"}'
        ),
    ),
    *(
        (
            e.JoinNextTry(join_set_id=JOIN_SET, outcome=outcome),
            _history(f'{{"type":"join_next_try","join_set_id":"n:work","outcome":"{text}"}}'),
        )
        for outcome, text in (
            (e.TryOutcome.FOUND, "found"),
            (e.TryOutcome.PENDING, "pending"),
            (e.TryOutcome.ALL_PROCESSED, "all_processed"),
        )
    ),
    (
        e.JoinNextTooMany(join_set_id=JOIN_SET),
        _history('{"type":"join_next_too_many","join_set_id":"n:work"}'),
    ),
    (
        e.JoinNextTooMany(join_set_id=JOIN_SET, requested_ffqn="a:b/c.d"),
        _history('{"type":"join_next_too_many","join_set_id":"n:work","requested_ffqn":"a:b/c.d"}'),
    ),
    (
        e.Scheduled(execution_id=TOP, schedule_at=At(AT), target_ffqn="testing:fibo/fibo.fibo", params_hash="4f53cda1"),
        _history(
            f'{{"type":"schedule","execution_id":"{TOP}","schedule_at":{{"at":{_AT_JSON}}},'
            '"target_ffqn":"testing:fibo/fibo.fibo","params_hash":"4f53cda1","result":{"type":"ok"}}'
        ),
    ),
    (
        e.Scheduled(
            execution_id=TOP,
            schedule_at=Now(),
            target_ffqn="a:b/c.d",
            params_hash="4f53cda1",
            error=e.FunctionNotFound(),
        ),
        _history(
            f'{{"type":"schedule","execution_id":"{TOP}","schedule_at":"now","target_ffqn":"a:b/c.d",'
            '"params_hash":"4f53cda1","result":{"type":"function_not_found"}}'
        ),
    ),
    *(
        (
            e.Stubbed(target_execution_id=CHILD, retval_hash="01ab", error=error),
            _history(f'{{"type":"stub","target_execution_id":"{CHILD}","retval_hash":"01ab","result":{text}}}'),
        )
        for error, text in (
            (None, '{"type":"ok"}'),
            (e.StubNotFound(), '{"type":"execution_not_found"}'),
            (e.StubConflict(), '{"type":"conflict"}'),
            (e.TypeCheckError("no u8"), '{"type":"type_check_error","message":"no u8"}'),
        )
    ),
]

#: Texts that are not written any more, or only by Obelisk itself, and are read all the same.
READABLE: Final[list[tuple[e.ExecutionEvent, str]]] = [
    (
        e.Scheduled(execution_id=TOP, schedule_at=Now()),
        _history(f'{{"type":"schedule","execution_id":"{TOP}","schedule_at":"now","result":{{"type":"ok"}}}}'),
    ),
    (
        e.DelayRequested(join_set_id=JOIN_SET, delay_id=DELAY, expires_at=AT, schedule_at=Now()),
        _request(f'{{"type":"delay_request","delay_id":"{DELAY}","expires_at":{_AT_JSON},"schedule_at":"now"}}'),
    ),
    (
        e.Unlocked(backoff_expires_at=AT, reason="paused"),
        '{"unlocked":{"backoff_expires_at":"2026-01-31T12:30:15.00025Z","reason":"paused"}}',
    ),
]

EVENTS: Final[list[e.ExecutionEvent]] = [event for event, _ in STORED]
