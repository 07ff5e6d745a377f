from __future__ import annotations

from pathlib import Path

import pytest

from components.models import Component
from components.services import deploy
from engine.log.ids import Version
from executions.backtrace_sources import find_source
from executions.backtraces import Backtrace
from tests.builders import make_execution_id
from tests.components_app.builders import activity_table, make_wasm, workflow_table, write_deployment
from tests.executions.scripts import SUM_UP, write_scripts

pytestmark = pytest.mark.django_db

ADDER = make_wasm(exports={"test:adder/api": ["add"]})
CALLER = make_wasm(exports={"test:caller/api": ["call"]}, imports={"test:adder/api": ["add"]})


def deploy_compiled(folder: Path, **sources: str) -> None:
    """Deploy a compiled workflow whose ``backtrace.sources`` have these texts."""
    keys = []
    for name, text in sources.items():
        (folder / f"{name}.rs").write_text(text)
        keys.append(f'backtrace.sources.".../{name}/lib.rs" = "{name}.rs"')
    toml = activity_table("adder") + workflow_table(
        "caller", "\n".join([*keys, 'backtrace.sources."main.rs" = "a.rs"'])
    )
    deploy(write_deployment(folder, toml, adder=ADDER, caller=CALLER))


def backtrace_of(name: str) -> Backtrace:
    row = Component.objects.filter(name=name).latest("id")
    component = f"{row.component_type}:{row.name}:{row.digest}"
    return Backtrace(
        execution_id=make_execution_id(1), component=component, first=Version(2), behind=Version(3), stack={}
    )


def test_a_compiled_components_files_are_found_by_path_or_suffix(tmp_path: Path) -> None:
    deploy_compiled(tmp_path, a="fn a() {}", b="fn b() {}")
    trace = backtrace_of("caller")

    assert find_source(trace, "main.rs") == "fn a() {}"
    assert find_source(trace, "/home/ann/b/lib.rs") == "fn b() {}"
    assert find_source(trace, "a/lib.rs") == "fn a() {}"
    assert find_source(trace, "bb/lib.rs") is None
    assert find_source(trace, "lib.rs") is None
    assert find_source(trace, "../a.rs") is None


def test_of_two_suffixes_that_fit_none_counts(tmp_path: Path) -> None:
    (tmp_path / "a.rs").write_text("fn a() {}")
    (tmp_path / "b.rs").write_text("fn b() {}")
    keys = ('backtrace.sources.".../lib.rs" = "a.rs"', 'backtrace.sources.".../src/lib.rs" = "b.rs"')
    toml = activity_table("adder") + workflow_table("caller", "\n".join(keys))
    deploy(write_deployment(tmp_path, toml, adder=ADDER, caller=CALLER))
    trace = backtrace_of("caller")

    assert find_source(trace, "x/lib.rs") == "fn a() {}"
    assert find_source(trace, "src/lib.rs") is None


def test_sources_that_a_later_deployment_of_the_same_binary_names_are_found(tmp_path: Path) -> None:
    deploy_compiled(tmp_path, a="fn a() {}")
    trace = backtrace_of("caller")
    deploy_compiled(tmp_path, a="fn a() {}", b="fn b() {}")

    assert find_source(trace, "b/lib.rs") == "fn b() {}"


def test_a_script_is_found_as_it_was_in_its_version(tmp_path: Path) -> None:
    deploy(write_scripts(tmp_path))
    row = Component.objects.filter(component_type="workflow").latest("id")
    old = backtrace_of(row.name)
    (path,) = row.config["source"]["files"]
    deploy(write_scripts(tmp_path, SUM_UP + "\n// Another version.\n"))

    text = SUM_UP.removeprefix("\n")  # TOML takes no newline at the beginning
    assert find_source(old, path) == text
    assert find_source(backtrace_of(row.name), path) == text + "\n// Another version.\n"
    assert find_source(old, "other.js") is None
