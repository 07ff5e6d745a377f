"""Hostile deployments: components, sources and deployment files, as ``POST /v1/deployments`` gets them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from tests.components_app.builders import TEST_COMPONENTS
from tests.executions.api.forms import BOUNDARY, part
from tests.fuzz.messages import Request, to_api
from tests.fuzz.mutation import TEXTS, Mutator
from tests.fuzz.wasm_mutation import hostile_component

_REPOSITORY = Path(__file__).parents[2]
_FORM = f"multipart/form-data; boundary={BOUNDARY}"
_PATH = re.compile(r'"((?:[\w.-]+/)*[\w.-]+\.(?:wasm|py|js|wit|toml|sh))"')

_TOML_VALUES: Final = (
    '""',
    '"\\u0000"',
    '"../x"',
    '"/etc/passwd"',
    '"${HOME}"',
    '"${A:-"',
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    "nan",
    "inf",
    "true",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[" * 200 + "]" * 200,
    "[" * 50_000,
    "{a=" * 100 + "1" + "}" * 100,
    "1979-05-27T07:32:00Z",
    "'''\n'''",
    '"' + "a" * 20_000 + '"',
    "{ days = 99999999999 }",
    "{ milliseconds = -1 }",
    '"sha256:' + "0" * 64 + '"',
    '"list<' + "option<" * 400 + '"',
    '[{ name = "a", type = "u8" }, { name = "a", type = "u8" }]',
    '"* * * * * *"',
    '"0 0 31 2 *"',
)
_TABLES: Final = ("[[activity_wasm]]", "[activity_js]", "[[cron]]", "[[nonsense]]", "[[python]]")
_KEYS: Final = (
    "name",
    "location",
    "content",
    "ffqn",
    "params",
    "return_type",
    "max_retries",
    "retry_exp_backoff",
    "exec",
    "exec.lock_expiry",
    "limits",
    "env_vars",
    "allowed_host",
    "routes",
    "verify",
    "schedule",
    "timezone",
    "files",
    "wit",
    "content_digest",
    "backtrace.sources",
    "functions",
    "instances",
    "forward_stdout",
    "logs_store_min_level",
    "commit_window",
    "request",
    "secrets",
    "cwd",
    "args",
    "__class__",
)
_HOSTILE_SOURCE: Final = (
    "\0",
    "(" * 5000,
    "(" * 95 + ")" * 95,
    "[" * 100_000 + "]" * 100_000,
    "while True: pass",
    "while (true) {}",
    "x = 9 ** 9 ** 9",
    "x = 'a' * 10**10",
    "let x = 'a'.repeat(2 ** 30);",
    "# -*- coding: utf-7 -*-",
    "# coding: nonsense",
    "\ufeff",
    "\u2028",
    "import os; os._exit(3)",
    "import ctypes",
    "raise SystemExit(0)",
    "raise KeyboardInterrupt",
    "raise BaseException('x' * 10**6)",
    "def f(): return f()\nf()",
    "throw new Error('x'.repeat(1e6));",
    "import { x } from '../../../../etc/passwd';",
    "import x from 'test:\u0000/a';",
    "import './itself.js';",
    "export default 7;",
    "export default class {}",
    "from obelisk import *",
    "PACKAGE = 7",
    "PACKAGE = 'a:b'\nPACKAGE = 'c:d'",
    "@activity\ndef a(x: 'list[a]') -> 'A': ...",
    "@workflow\ndef w(x: " + "list[" * 300 + "int" + "]" * 300 + ") -> None: ...",
    "@activity\ndef a(x: int | str | None, *y, **z): ...",
    "@dataclass\nclass A:\n    a: 'A'\n@activity\ndef f(x: A) -> A: ...",
    "+".join(["1"] * 20_000),
    "lambda: " * 1000 + "0",
    "x = " + "-" * 50_000 + "1",
    "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 120)) + " " * 120 + "pass",
    "'\ud83d'",
    "\\N{",
    "f'{" * 60,
    "match x:\n  case [" + "_," * 3000 + "]: pass",
)


@lru_cache
def components() -> tuple[bytes, ...]:
    """Return the real components that hostile ones are made of."""
    files = [*_REPOSITORY.glob("tests/components/*/*.wasm"), *_REPOSITORY.glob("examples/fibo*/*.wasm")]
    return tuple(path.read_bytes() for path in sorted(files))


@lru_cache
def _manifests() -> tuple[tuple[str, tuple[tuple[str, bytes], ...]], ...]:
    """The real deployment files, with the files that they name."""
    found = []
    for path in sorted([*_REPOSITORY.glob("examples/**/deployment.toml"), TEST_COMPONENTS]):
        text = path.read_text()
        named = sorted(set(_PATH.findall(text)))
        files = [(name, path.parent / name) for name in named if (path.parent / name).is_file()]
        found.append((text, tuple((name, file.read_bytes()) for name, file in files)))
    return tuple(found)


@lru_cache
def _sources(suffix: str) -> tuple[str, ...]:
    return tuple(path.read_text() for path in sorted(_REPOSITORY.glob(f"examples/**/*{suffix}")))


def hostile_upload(mutator: Mutator) -> Request:
    """Return a deployment of one component whose bytes are hostile."""
    table = mutator.one_of(("activity_wasm", "workflow_wasm", "webhook_endpoint_wasm"))
    extra = 'routes = [""]\n' if table.startswith("webhook") else ""
    toml = f'[[{table}]]\nname = "it"\nlocation = "it.wasm"\n{extra}'
    return _form(toml, [("it.wasm", hostile_component(mutator, components()))])


def hostile_source(mutator: Mutator) -> Request:
    """Return a deployment of one source file that is hostile."""
    is_python = mutator.chance(0.5)
    name = "it.py" if is_python else "it.js"
    text = hostile_text(mutator, mutator.one_of(_sources(".py" if is_python else ".js")))
    signature = (
        'ffqn = "test:it/api.run"\nparams = [{ name = "a", type = "string" }]\nreturn_type = "result<string, string>"\n'
    )
    table = mutator.one_of(
        (f'[[python]]\nlocation = "{name}"\n',)
        if is_python and mutator.chance(0.5)
        else (
            f'[[activity_{name[3:]}]]\nlocation = "{name}"\n{signature}',
            f'[[workflow_{name[3:]}]]\nlocation = "{name}"\n{signature}',
            f'[[webhook_endpoint_{name[3:]}]]\nname = "it"\nlocation = "{name}"\nroutes = [""]\n',
        )
    )
    content = text.encode("utf-8", "surrogatepass")
    return _form(table, [(name, mutator.octets(content) if mutator.chance(0.2) else content)])


def hostile_text(mutator: Mutator, text: str) -> str:
    """Return a program with lines that are moved, left out, repeated, cut or hostile."""
    lines = text.splitlines() or [""]
    for _ in range(1 + mutator.below(3)):
        at = mutator.below(len(lines))
        match mutator.below(6):
            case 0:
                del lines[at : at + 1 + mutator.below(3)]
            case 1:
                lines[at:at] = lines[at : at + 1 + mutator.below(20)]
            case 2:
                other = mutator.below(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = mutator.text(lines[at])
            case _:
                lines.insert(at, mutator.one_of(_HOSTILE_SOURCE))
        lines = lines or [""]
    return "\n".join(lines)


def hostile_manifest(mutator: Mutator) -> Request:
    """Return a real deployment whose deployment file, or what comes with it, is hostile."""
    toml, files = mutator.one_of(_manifests())
    toml = _mutate_toml(mutator, toml)
    sent = list(files)
    if sent and mutator.chance(0.3):
        at = mutator.below(len(sent))
        name, content = sent[at]
        match mutator.below(4):
            case 0:
                del sent[at]
            case 1:
                sent.append((name, content))
            case 2:
                sent[at] = (mutator.text(name).replace('"', "%22").replace("\r", "").replace("\n", ""), content)
            case _:
                sent.append((mutator.one_of(("new", "../up", "/abs", "wit/a.wit")), mutator.octets(content[:1000])))
    if mutator.chance(0.3):
        return _as_json(mutator, toml)
    request = _form(toml, sent)
    if mutator.chance(0.1):
        body = mutator.octets(request.body)
        return Request(method=request.method, target=request.target, headers=request.headers, body=body)
    return request


def _as_json(mutator: Mutator, toml: str) -> Request:
    document = {"deployment_toml": toml, "deployment_id": "Dep_01KBNHM5FQW81KP5Y3XMNX31K4", "description": "mutated"}
    # Most keep the file as it is: the JSON around it has few forms.
    body = mutator.document(document) if mutator.chance(0.5) else json.dumps(document).encode("utf-8", "replace")
    return to_api("POST", "deployments", body)


def _mutate_toml(mutator: Mutator, toml: str) -> str:
    lines = toml.splitlines()
    for _ in range(1 + mutator.below(3)):
        at = mutator.below(len(lines))
        key, equals, value = lines[at].partition("=")
        match mutator.below(9):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2 | 3 | 4 if equals:
                lines[at] = f"{key}= {mutator.one_of(_TOML_VALUES)}"
            case 5 if equals:
                lines[at] = f"{mutator.one_of(_KEYS)} ={value}"
            case 6:
                lines.insert(at, f"{mutator.one_of(_KEYS)} = {mutator.one_of(_TOML_VALUES)}")
            case 7:
                lines[at] = mutator.one_of(
                    ("[[activity_wasm]]", "[activity_js]", "[[cron]]", "[[nonsense]]", "[[python]]")
                )
            case _:
                strings = lines[at].split('"')
                chosen = mutator.below(len(strings))
                strings[chosen] = mutator.text(strings[chosen]).replace('"', "'") if chosen % 2 else strings[chosen]
                lines[at] = '"'.join(strings)
        lines = lines or [mutator.one_of(TEXTS)]
    return "\n".join(lines)


def _form(toml: str, files: list[tuple[str, bytes]]) -> Request:
    content = toml.encode("utf-8", "surrogatepass")
    parts = [part("deployment_toml", content), *(part("file", content, name) for name, content in files)]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return to_api("POST", "deployments", body, kind=_FORM)
