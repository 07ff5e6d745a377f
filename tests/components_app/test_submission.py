from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.busy import Busy
from components.guest_runtimes import load_python_runtime
from components.manifest.files import MAX_FILE_BYTES, content_digest
from components.models import Blob, ComponentFile, Deployment
from components.problems import DeploymentRefused
from components.submission import DeploymentExists, _submitting, submit_deployment
from components.submitted_files import FileReport, FilesRefused, SubmittedFile
from tests.components_app.builders import activity_table, make_wasm, workflow_table

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})
PAIR = activity_table("adder") + workflow_table("caller")
ID = "Dep_01KBNHM5FQW81KP5Y3XMNX31K4"


def pinned(name: str, content: bytes) -> str:
    return activity_table(name, f'content_digest = "{content_digest(content)}"')


def sent(**contents: bytes) -> dict[str, SubmittedFile]:
    return {f"{name}.wasm": SubmittedFile(content=content) for name, content in contents.items()}


def report_of(toml: str, files: dict[str, SubmittedFile]) -> FileReport:
    with pytest.raises(FilesRefused) as refused:
        submit_deployment(toml, files)
    assert not Deployment.objects.exists()
    assert not Blob.objects.exists()
    return refused.value.report


def test_what_is_submitted_is_stored_and_not_run() -> None:
    submission = submit_deployment(PAIR, sent(adder=ADDER, caller=CALLER), description="later")

    deployment = Deployment.objects.get()
    assert submission.is_new
    assert submission.deployment == deployment
    assert (deployment.status, deployment.last_active_at) == ("inactive", None)
    assert (deployment.toml, deployment.description) == (PAIR, "later")
    named = ComponentFile.objects.of_deployment(deployment.deployment_id).values_list("path", "blob_id", "role")
    assert list(named) == [
        ("adder.wasm", content_digest(ADDER), "binary"),
        ("caller.wasm", content_digest(CALLER), "binary"),
    ]


def test_files_that_are_missing_are_all_named_with_their_digests_and_need_not_be_sent_twice() -> None:
    toml = pinned("adder", ADDER) + workflow_table("caller", f'content_digest = "{content_digest(CALLER)}"')

    report = report_of(toml, {})

    assert [(issue.section, issue.component_name, issue.field_path, issue.path) for issue in report.missing_files] == [
        ("activity_wasm", "adder", "location", "adder.wasm"),
        ("workflow_wasm", "caller", "location", "caller.wasm"),
    ]
    assert [issue.digest for issue in report.missing_files] == [content_digest(ADDER), content_digest(CALLER)]

    submit_deployment(toml, sent(adder=ADDER, caller=CALLER))
    assert submit_deployment(toml, {}).is_new


def test_a_file_without_a_digest_has_to_come_along() -> None:
    report = report_of(activity_table("adder"), {})

    [issue] = report.missing_digest_fields
    assert issue.message == (
        'key "location" names "adder.wasm", which did not come along and has no content_digest to find it by; '
        "send the file, or give its digest"
    )


def test_a_file_that_nothing_names_is_refused() -> None:
    report = report_of(activity_table("adder"), sent(adder=ADDER, other=CALLER))

    assert [issue.path for issue in report.unexpected_files] == ["other.wasm"]


def test_content_must_be_what_the_file_and_the_sender_say() -> None:
    by_file = report_of(pinned("adder", CALLER), sent(adder=ADDER))
    by_sender = report_of(
        activity_table("adder"), {"adder.wasm": SubmittedFile(content=ADDER, claimed_digest=content_digest(CALLER))}
    )

    assert [issue.digest for issue in by_file.digest_mismatches] == [content_digest(CALLER)]
    assert [issue.section for issue in by_sender.digest_mismatches] == ["files"]


def test_a_file_may_be_so_large() -> None:
    report = report_of(activity_table("adder"), sent(adder=b"\0" * (MAX_FILE_BYTES + 1)))

    assert [issue.path for issue in report.oversized_files] == ["adder.wasm"]


def test_what_javascript_imports_is_asked_for_when_it_is_read() -> None:
    toml = '[[activity_js]]\nffqn = "test:js/api.f"\nlocation = "main.js"\nreturn_type = "result<string>"\n'
    main = b'import { name } from "./lib/name.js";\nexport default function f() { return name; }\n'
    name = b'export const name = "x";\n'

    report = report_of(toml, {"main.js": SubmittedFile(content=main)})
    unused = report_of(
        toml,
        {
            "main.js": SubmittedFile(content=main),
            "lib/name.js": SubmittedFile(content=name),
            "lib/other.js": SubmittedFile(content=name),
        },
    )

    assert [issue.path for issue in report.missing_digest_fields] == ["lib/name.js"]
    assert [issue.path for issue in unused.unexpected_files] == ["lib/other.js"]


def test_a_folder_of_wit_comes_along() -> None:
    toml = '[[activity_js]]\nffqn = "test:js/api.f"\nwit = "wit"\ncontent = "export default (p) => p.x"\n'
    api = b"interface api { record p { x: u8 } f: func(p: p) -> result<u8>; }"
    wit = b"package test:js;\n" + api + b"\nworld w { export api; }\n"

    with pytest.raises(DeploymentRefused, match=r'key "wit" .*did not come along; send its \.wit files'):
        submit_deployment(toml, {})
    submission = submit_deployment(toml, {"wit/api.wit": SubmittedFile(content=wit)})

    assert submission.is_new
    with pytest.raises(FilesRefused, match=r'^"other/api\.wit" came along and nothing'):
        submit_deployment(toml, {name: SubmittedFile(content=wit) for name in ("wit/api.wit", "other/api.wit")})


def test_the_same_under_the_same_id_changes_nothing_and_another_one_is_refused() -> None:
    files = sent(adder=ADDER)
    first = submit_deployment(activity_table("adder"), files, deployment_id=ID)

    again = submit_deployment(activity_table("adder"), {}, deployment_id=ID)

    assert not again.is_new
    assert again.deployment == first.deployment
    with pytest.raises(DeploymentExists, match=f"^{ID} is another deployment, with the digest "):
        submit_deployment(activity_table("adder", "max_retries = 1"), files, deployment_id=ID)
    assert Deployment.objects.count() == 1


def test_an_id_must_be_one() -> None:
    with pytest.raises(DeploymentRefused, match="is not a deployment id: it must start with Dep_"):
        submit_deployment(activity_table("adder"), sent(adder=ADDER), deployment_id="E_1")


def test_what_this_machine_lacks_can_be_passed_over() -> None:
    toml = activity_table("adder", 'env_vars = ["NOT_SET_HERE"]')

    with pytest.raises(DeploymentRefused, match="environment variable NOT_SET_HERE is not set"):
        submit_deployment(toml, sent(adder=ADDER))

    assert submit_deployment(toml, sent(adder=ADDER), allow_unavailable=True).is_new


@pytest.fixture
def somebody_submits() -> Iterator[None]:
    entered, done = threading.Event(), threading.Event()

    def submit() -> None:
        with _submitting():
            entered.set()
            done.wait(10)

    other = threading.Thread(target=submit)
    other.start()
    entered.wait(10)
    yield
    done.set()
    other.join()


@pytest.mark.usefixtures("somebody_submits")
def test_one_deployment_is_submitted_at_a_time() -> None:
    with pytest.raises(Busy, match=r"^another deployment is being submitted; try again when that is done$"):
        submit_deployment(activity_table("adder"), sent(adder=ADDER))


def test_a_manifest_of_files_of_a_folder_is_stored_with_their_names(tmp_path: Path) -> None:
    toml = '[[python]]\nname = "app"\nlocation = "app.py"\n'
    source = b'from obelisk import activity\n\nPACKAGE = "test:app"\n\n\n@activity\ndef f() -> str:\n    return "x"\n'

    load_python_runtime(print)  # a submission waits for no longer than a client would
    submission = submit_deployment(toml, {"app.py": SubmittedFile(content=source)})

    file = ComponentFile.objects.get(component__deployment=submission.deployment)
    assert (file.path, file.role, file.component.name) == ("app.py", "source", "app.activities")
