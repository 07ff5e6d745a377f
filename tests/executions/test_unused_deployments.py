from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from components import guest_runtimes, switching, unused_files
from components.busy import Busy
from components.guest_runtimes import load_python_runtime
from components.manifest import parse_manifest
from components.manifest.files import content_digest
from components.models import Blob, Deployment, DeploymentStatus
from components.preparation import prepare_manifest
from components.prepared import PreparedDeployment
from components.storing import store_deployment
from components.submission import submit_deployment
from components.submitted_files import SubmittedFile, SubmittedFiles
from components.switching import DeploymentNotFound, enqueue, switch_now
from components.unused_files import GRACE, DeletedFiles
from components.verification import Verification, verify_deployment
from executions.access.scopes import Scope
from executions.journal.deleting import delete_executions
from executions.models import Execution
from executions.operations.submitting import submit
from executions.unused_deployments import Collected, collect_unused
from tests.components_app.builders import activity_table, make_wasm
from tests.executions.api.clients import Api
from tests.executions.deployments import PING

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TABLE = activity_table("ping")


def wasm(salt: int) -> bytes:
    return make_wasm(exports={"test:ping/api": ["ping"]}, salt=salt)


def add(salt: int, *, age: timedelta = 10 * DAY, toml: str = TABLE) -> str:
    """Store a deployment of one file of its own, so long ago."""
    deployment = submit_deployment(toml, {"ping.wasm": SubmittedFile(content=wasm(salt))}).deployment
    pass_time(age, deployment.pk)
    return deployment.pk


def pass_time(age: timedelta, *deployment_ids: str) -> None:
    """Make these deployments older, and all files."""
    Deployment.objects.filter(pk__in=deployment_ids).update(
        created_at=F("created_at") - age, last_active_at=F("last_active_at") - age
    )
    Blob.objects.update(wanted_at=F("wanted_at") - age)


def collect(older_than: timedelta | None = 2 * DAY, *, dry_run: bool = False) -> Collected:
    return collect_unused(timezone.now(), older_than=older_than, dry_run=dry_run)


def left() -> set[str]:
    return set(Deployment.objects.values_list("pk", flat=True))


# --- Deployments ------------------------------------------------------------------------------------------------------


def test_an_unused_deployment_goes_with_its_files() -> None:
    active, unused, young = add(1), add(2), add(3, age=DAY)
    switch_now(active)
    would = collect(dry_run=True)
    assert left() == {active, unused, young}

    collected = collect()

    assert collected == would == Collected(deployments=(unused,), files=DeletedFiles(1, len(wasm(2))))
    assert left() == {active, young}
    assert set(Blob.objects.values_list("pk", flat=True)) == {content_digest(wasm(salt)) for salt in (1, 3)}
    assert collect() == Collected(deployments=(), files=DeletedFiles(0, 0))


def test_no_deployment_goes_unless_asked_for() -> None:
    add(1)

    assert collect(None) == Collected(deployments=(), files=DeletedFiles(0, 0))


def test_active_enqueued_and_previous_ones_stay() -> None:
    first, previous, active, enqueued = (add(salt) for salt in range(4))
    for deployment_id in (first, previous, active):
        switch_now(deployment_id)
    enqueue(enqueued)
    pass_time(5 * DAY, first, previous, active)

    assert collect().deployments == (first,)
    assert left() == {previous, active, enqueued}


@pytest.mark.parametrize("state", ["pending", "finished"])
def test_one_that_an_execution_ran_under_stays(state: str) -> None:
    used, between, active = add(1), add(2), add(3)
    switch_now(used)
    execution_id = submit(PING, []).execution_id
    if state == "finished":
        Execution.objects.filter(pk=execution_id).update(status="finished", result_kind="ok")
    switch_now(between)
    switch_now(active)
    pass_time(5 * DAY, used, between, active)
    assert collect().deployments == ()

    delete_executions([execution_id])

    assert collect().deployments == (used,)


def test_one_that_alone_has_the_version_of_an_execution_stays() -> None:
    with_version, active = add(1), add(2)
    switch_now(with_version)
    execution_id = submit(PING, []).execution_id
    switch_now(active)
    Execution.objects.filter(pk=execution_id).update(deployment_id=active)
    switch_now(add(3))
    pass_time(5 * DAY, with_version, active)
    assert collect().deployments == ()

    add(1, age=timedelta(0))

    assert collect().deployments == (with_version,)


def test_an_hour_is_the_least() -> None:
    add(1, age=timedelta(minutes=50))
    old = add(2, age=timedelta(minutes=70))

    assert collect(timedelta(0)).deployments == (old,)


def test_one_that_was_deleted_meanwhile_is_not_switched_to(monkeypatch: pytest.MonkeyPatch) -> None:
    active, unused = add(1), add(2)
    switch_now(active)

    def verify(deployment: Deployment) -> Verification:
        found = verify_deployment(deployment)
        collect()
        return found

    monkeypatch.setattr(switching, "verify_deployment", verify)
    with pytest.raises(DeploymentNotFound, match=unused):
        switch_now(unused)
    other = add(3)
    with pytest.raises(DeploymentNotFound, match=other):
        enqueue(other)

    assert Deployment.objects.get().status == DeploymentStatus.ACTIVE


# --- Files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_nothing_is_made_of_goes_after_an_hour() -> None:
    Blob.objects.create(digest=content_digest(b"x"), content=b"x", size=1)
    assert collect(None).files.count == 0

    pass_time(GRACE)

    assert collect(None).files == DeletedFiles(1, 1)


def test_files_that_only_the_deployment_file_holds_stay() -> None:
    toml = """
[[activity_js]]
ffqn = "test:js/js.f"
content = "export default () => null;"

[[activity_py]]
ffqn = "test:py/py.f"
content = "def f() -> str: return ''"

[[activity_stub]]
ffqn = "test:a/people.ask"
wit = "wit"
"""
    interface = b"interface people { ask: func() -> result; }"
    files = {"wit/a.wit": SubmittedFile(content=b"package test:a;\n" + interface + b"\nworld w { export people; }\n")}
    load_python_runtime(print)  # a submission waits for no longer than a client would
    submit_deployment(toml, files)
    pass_time(10 * DAY)

    assert collect(None).files.count == 0


def test_who_submits_a_file_that_is_about_to_go_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = content_digest(wasm(1))
    Blob.objects.create(digest=digest, content=wasm(1), size=len(wasm(1)))
    pass_time(DAY)
    delete = unused_files._delete

    def submit_first(digests: list[str], *arguments: object) -> list[str]:
        # Between the look at what is used and the deletion.
        submit_deployment(activity_table("ping", f'content_digest = "{digest}"'), {})
        return delete(digests, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(unused_files, "_delete", submit_first)

    assert collect(None).files.count == 0
    assert Blob.objects.get().pk == digest


def prepared(toml: str, files: dict[str, SubmittedFile]) -> PreparedDeployment:
    return prepare_manifest(parse_manifest(toml, file_name="deployment.toml"), SubmittedFiles(files))


def test_who_read_a_file_that_is_gone_stores_it_again() -> None:
    stored = add(1)
    same = prepared(activity_table("ping", f'content_digest = "{content_digest(wasm(1))}"'), {})
    assert collect().deployments == (stored,)
    assert not Blob.objects.exists()

    store_deployment(same, status=DeploymentStatus.INACTIVE, description="")

    assert bytes(Blob.objects.get().content) == wasm(1)


def test_who_read_with_an_interpreter_that_is_gone_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    toml = '[[activity_py]]\nffqn = "test:py/api.f"\ncontent = "def f() -> str: return \'\'"\n'
    monkeypatch.setattr(guest_runtimes, "_loaded", {})
    load_python_runtime(print)  # a submission waits for no longer than a client would
    stored = submit_deployment(toml, {}).deployment.pk
    pass_time(10 * DAY, stored)
    monkeypatch.setattr(guest_runtimes, "_loaded", {})
    same = prepared(toml, {})
    assert load_python_runtime(print).path is None
    assert collect().deployments == (stored,)

    with pytest.raises(Busy, match="was unused and has just been deleted; try again"):
        store_deployment(same, status=DeploymentStatus.INACTIVE, description="")

    assert load_python_runtime(print).path is not None
    store_deployment(prepared(toml, {}), status=DeploymentStatus.INACTIVE, description="")


# --- Asking for it ----------------------------------------------------------------------------------------------------


def test_it_is_asked_for_over_http() -> None:
    unused = add(1)
    size = len(wasm(1))
    api = Api()

    assert api.send("POST", "deployments/gc").json == {"deployments": [], "files": 0, "bytes": 0}
    would = api.post("deployments/gc", {"older_than": "2d", "dry_run": True})
    assert would.json == {"deployments": [unused], "files": 1, "bytes": size}
    text = api.post("deployments/gc", {"older_than": "2d"}, Accept="text/plain").text

    assert text == f"1 deployment and 1 file were deleted, {size} bytes.\n"
    assert left() == set()


def test_wrong_requests_are_refused() -> None:
    answer = Api().post("deployments/gc", {"older_than": "two days"})

    assert (answer.status, answer.code) == (400, "invalid_body")
    assert "older_than: 'two days' is no age; write 90s, 10m, 12h or 30d" in answer.text
    assert Api([Scope.READ, Scope.SUBMIT, Scope.OPERATE]).send("POST", "deployments/gc").code == "missing_scope"


def test_the_command_tells_what_it_does() -> None:
    unused = add(1)

    def command(*arguments: str) -> str:
        out = StringIO()
        call_command("deployment", "gc", *arguments, stdout=out)
        return out.getvalue()

    size = len(wasm(1))
    assert command() == "0 deployments and 0 files were deleted, 0 bytes.\n"
    assert command("--older-than", "2d", "--dry-run") == (
        f"{unused}\n1 deployment and 1 file would be deleted, {size} bytes.\n"
    )
    assert command("--older-than", "2d") == f"{unused}\n1 deployment and 1 file were deleted, {size} bytes.\n"
    with pytest.raises(CommandError, match="argument --older-than: 'x' is no age"):
        command("--older-than", "x")
