from __future__ import annotations

import json

import pytest

from engine.errors import EngineError
from engine.guests.javascript.digest import component_digest
from engine.guests.javascript.source import MAX_FILES, SourceRefused
from engine.wit.grammar import parse_type
from engine.wit.names import FunctionName
from engine.wit.types import FunctionType, Param
from tests.harness.javascript_components import read, reader


def test_a_source_is_its_main_file_and_what_that_imports() -> None:
    source = read(
        "import { a } from './lib/a.js'; import { add } from 'ns:math/ops'; export default () => a + add;",
        {"lib/a.js": "export { b as a } from './b.js';", "lib/b.js": "export const b = 1;", "unused.js": ")"},
    )

    assert (source.main, list(source.files)) == ("main.js", ["main.js", "lib/a.js", "lib/b.js"])
    assert source.imports == {"ns:math/ops": ("add",)}
    assert json.loads(source.artefact)["files"][1] == {"path": "lib/a.js", "text": "export { b as a } from './b.js';"}


def test_a_source_that_cannot_run_is_refused() -> None:
    with pytest.raises(SourceRefused) as caught:
        read("import './a.js'; export default 1;", {"a.js": "let a = 1;\nlet a = 2;"})

    assert caught.value.problems == ("a.js:2:7: SyntaxError: invalid redefinition of global identifier",)


def test_a_source_without_end_is_refused() -> None:
    with pytest.raises(SourceRefused, match=f"{MAX_FILES} files at most"):
        reader().read("0.js", "import './1.js'; export default 1;", _chained)


def _chained(path: str) -> str:
    number = int(path.removesuffix(".js"))
    return f"import './{number + 1}.js';"


def test_sources_are_limited_in_size() -> None:
    with pytest.raises(SourceRefused, match=r"big\.js: the files of a component may have 4 MiB at most"):
        read("import './big.js'; export default 1;", {"big.js": f"'{'x' * (5 << 20)}'"})


def test_what_the_reader_of_files_raises_comes_through() -> None:
    def broken(path: str) -> str:
        raise EngineError(f"{path} is on fire")

    with pytest.raises(EngineError, match=r"a\.js is on fire"):
        reader().read("main.js", "import './a.js'; export default 1;", broken)


def test_nothing_of_a_source_runs_while_it_is_read() -> None:
    assert read("console.log('hi'); while (true); export default 1;").imports == {}


def test_the_digest_follows_all_that_decides_what_a_component_does() -> None:
    name = FunctionName.parse("ns:math/ops.add")
    function = FunctionType((Param("a", parse_type("u8")),), parse_type("result<u8>"))
    wider = FunctionType((Param("a", parse_type("u16")),), parse_type("result<u8>"))
    digests = {
        component_digest("activity_js", {"a.js": "1"}, (name, function)),
        component_digest("workflow_js", {"a.js": "1"}, (name, function)),
        component_digest("activity_js", {"a.js": "2"}, (name, function)),
        component_digest("activity_js", {"a.js": "1"}, (name, wider)),
        component_digest("activity_js", {"a.js": "1"}, None),
        component_digest("activity_js", {"a.js": "1", "b.js": "2"}, (name, function)),
        component_digest("activity_js", {"b.js": "2", "a.js": "1"}, (name, function)),
    }

    assert len(digests) == 7
    # The name of a single file says nothing.
    assert component_digest("activity_js", {"z.js": "1"}, (name, function)) in digests
