from __future__ import annotations

from pathlib import Path

import pytest

from components.manifest.files import content_digest
from components.models import Blob, Component, Deployment, Function
from components.preparation import prepare
from components.prepared import Origin
from components.problems import DeploymentRefused
from components.services import active_deployment, deploy, wasm_bytes
from engine.deployment.spec import ComponentType, Runner
from engine.guests.javascript.runtime_file import JAVASCRIPT_RUNTIME
from tests.components_app.builders import from_file, without_compiler

pytestmark = pytest.mark.django_db

ACTIVITY = """
[[activity_js]]
ffqn = "ns:math/ops.add-all"
location = "js/add.js"
params = [{ name = "numbers", type = "list<s32>" }]
return_type = "result<s32, string>"
"""
WORKFLOW = """
[[workflow_js]]
ffqn = "ns:math/flows.twice"
content = '''
import { addAll } from "ns:math/ops";
import { addAllSubmit } from "ns:math-obelisk-ext/ops";
import { info } from "obelisk:log/log@1.0.0";

export default function twice(n) {
  info("adding");
  return addAll([n, n]);
}
'''
params = [{ name = "n", type = "s32" }]
return_type = "result<s32, string>"
"""
WEBHOOK = """
[[webhook_endpoint_js]]
name = "hook"
content = '''
import { twice } from "ns:math/flows";
import { twiceSchedule } from "ns:math-obelisk-schedule/flows";
export default (request) => Response.json(twice(2));
'''
routes = [{ methods = ["POST"], route = "/twice" }]
"""


def write(folder: Path, toml: str, **files: str) -> Path:
    """Write a deployment file and JavaScript files, ``__`` for ``/``; return the file's path."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.js"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    path = folder / "deployment.toml"
    path.write_text(toml)
    return path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write(
        tmp_path,
        ACTIVITY + WORKFLOW + WEBHOOK,
        js__add="import { sum } from './lib.js'; export default (numbers) => sum(numbers);",
        js__lib="export const sum = (numbers) => numbers.reduce((left, right) => left + right, 0);",
    )


def refused(path: Path) -> list[str]:
    with pytest.raises(DeploymentRefused) as caught:
        prepare(path)
    return [str(problem) for problem in caught.value.problems]


def test_a_deployment_of_javascript_is_stored_with_all_its_files(app: Path) -> None:
    deploy(app)

    activity, workflow, webhook = Deployment.objects.get().components.order_by("position")
    assert [row.runner for row in (activity, workflow, webhook)] == [Runner.SOURCE.value] * 3
    assert {activity.wasm_id, workflow.wasm_id, webhook.wasm_id} == {content_digest(JAVASCRIPT_RUNTIME.read_bytes())}
    assert list(activity.config["source"]["files"]) == ["js/add.js", "js/lib.js"]
    assert Blob.objects.filter(digest__in=activity.config["source"]["files"].values()).count() == 2
    assert activity.artefact is not None
    assert webhook.config["webhook"] == {
        "http_server": "external",
        "routes": [{"methods": ["POST"], "path": "/twice"}],
    }
    assert list(Function.objects.order_by("id").values_list("ffqn", "kind", "return_type")) == [
        ("ns:math/ops.add-all", "activity", "result<s32, string>"),
        ("ns:math/flows.twice", "workflow", "result<s32, string>"),
    ]


def test_what_is_stored_is_what_the_engine_runs(app: Path) -> None:
    deploy(app)

    spec = active_deployment()
    assert spec is not None
    activity, workflow, webhook = from_file(spec)
    assert workflow.artefact_digest is not None
    assert b"addAllSubmit" in wasm_bytes(workflow.artefact_digest)
    assert {str(interface): list(functions) for interface, functions in workflow.imports.items()} == {
        "ns:math/ops": ["add-all"],
        "ns:math-obelisk-ext/ops": ["add-all-submit"],
        "obelisk:log/log@1.0.0": ["info"],
    }
    assert (activity.may_touch_world, workflow.may_touch_world) == (False, False)
    assert webhook.id.component_type is ComponentType.WEBHOOK_ENDPOINT
    assert not webhook.is_run_here


def test_deploying_the_same_again_changes_nothing(app: Path) -> None:
    deploy(app)

    assert not deploy(app).is_new
    assert Component.objects.count() == 3


def test_a_changed_file_is_another_component(app: Path) -> None:
    before = [each.spec.id.digest for each in prepare(app).components]
    (app.parent / "js/lib.js").write_text("export const sum = (numbers) => numbers.length;")

    after = [each.spec.id.digest for each in prepare(app).components]

    assert before[0] != after[0]
    assert before[1:] == after[1:]


def test_reading_javascript_compiles_nothing(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(app)
    without_compiler(monkeypatch)

    assert [each.origin for each in prepare(app).components] == [Origin.READ] * 3


def test_imports_are_checked_against_all_components(tmp_path: Path) -> None:
    path = write(tmp_path, ACTIVITY + WORKFLOW.replace("addAll }", "addAl }"), js__add="export default () => 1;")

    assert refused(path) == [
        "component flows.twice, import ns:math/ops.addAl: there is no such function; did you mean addAll?"
    ]


def test_an_activity_that_calls_others_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ACTIVITY + WORKFLOW, js__add="import { twice } from 'ns:math/flows'; export default twice;")

    assert refused(path) == [
        "component ops.add-all, import ns:math/flows: an activity cannot call other components; let a workflow do it"
    ]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("export default () => {\n  let = ;\n};", "js/add.js:2:7: SyntaxError: "),
        (
            "import './gone.js'; export default 1;",
            'deployment.toml: [[activity_js]] #1 "ns:math/ops.add-all": an import ',
        ),
        ("export const add = 1;", "js/add.js: it has no default export; write export default function ..."),
        ("import '../../x.js'; export default 1;", "js/add.js imports '../../x.js', which leaves the folder of the"),
    ],
)
def test_mistakes_in_the_source_are_found_at_deploy(tmp_path: Path, source: str, problem: str) -> None:
    (found,) = refused(write(tmp_path, ACTIVITY, js__add=source))

    assert found.startswith(problem)


def test_inline_source_has_no_other_files(tmp_path: Path) -> None:
    path = write(tmp_path, WORKFLOW.replace("ns:math/ops", "./ops.js"), ops="export const addAll = 1;")

    (found,) = refused(path)

    assert found.startswith('deployment.toml: [[workflow_js]] #1 "ns:math/flows.twice": key "content" imports ops.js;')


def test_a_pinned_file_must_have_its_digest(app: Path) -> None:
    text = app.read_text().replace(
        "[[workflow_js]]", f'component_files = {{ "js/lib.js" = "sha256:{"0" * 64}" }}\n[[workflow_js]]'
    )
    app.write_text(text)

    (found,) = refused(app)

    assert 'names "js/lib.js", whose digest is sha256:' in found


def test_a_function_whose_result_is_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ACTIVITY.replace("result<s32, string>", "u8"), js__add="export default () => 1;")

    (found,) = refused(path)

    assert found.startswith("component ops.add-all, export ns:math/ops.add-all: ")
