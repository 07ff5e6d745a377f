"""The JavaScript guest runtime by itself: a scripted host instead of an engine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.wasm.component import compile_component
from engine.wasm.engine import WasmEngine, WasmSettings
from engine.wasm.host_functions import HostFunction, HostInterface
from engine.wasm.instance import InstanceLimits
from engine.wasm.linking import LinkedComponent, link

RUNTIME_FILE = Path(__file__).parents[2] / "engine/guests/javascript/runtime.wasm"
RUNTIME = "obelisk:guest/runtime@1.0.0"
NOW_US = 1_700_000_000_123_456

Answer = Callable[[dict[str, Any]], object]


@lru_cache
def runtime() -> LinkedComponent:
    """Return the runtime, linked to hosts that are given with each call."""
    engine = WasmEngine.for_process(WasmSettings())
    compiled = compile_component(engine, RUNTIME_FILE.read_bytes())
    call = HostFunction(call=lambda host, op, body: host.call(op, body))
    return link(engine, compiled, {"obelisk:guest/host@1.0.0": HostInterface(functions={"call": call})})


class ScriptedHost:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers: dict[str, Answer] = {
            "log": lambda _: {},
            "now": lambda _: {"us": NOW_US},
            "sleep": lambda _: {"expires_at_us": NOW_US, "cancelled": False},
            "pause": lambda _: {},
            "entropy": lambda body: {"value": _base64(bytes(range(body["bytes"])))},
            "digest": lambda body: {"value": _base64(hashlib.new(_name(body), _data(body, "data")).digest())},
            "hmac": lambda body: {"value": _base64(hmac.digest(_data(body, "key"), _data(body, "data"), _name(body)))},
            **(answers or {}),
        }

    def call(self, op: str, body: str) -> str:
        """Carry out an operation."""
        request = json.loads(body)
        self.asked.append((op, request))
        return json.dumps(self._answers[op](request))

    def lines(self) -> list[tuple[str, str]]:
        """Return the log lines: level and message."""
        return [(body["level"], body["message"]) for op, body in self.asked if op == "log"]


def run(
    source: str,
    *params: object,
    kind: str = "activity",
    host: ScriptedHost | None = None,
    files: Mapping[str, str] | None = None,
    limits: InstanceLimits | None = None,
    **about: object,
) -> dict[str, Any]:
    """Run the default export of a source and return the runtime's answer."""
    artefact = {"files": [{"path": "main.js", "text": source}, *_files(files)]}
    answer = runtime().call(
        RUNTIME,
        "run",
        [kind, json.dumps(artefact), "main", json.dumps(params), json.dumps({"execution_id": "E_1", **about})],
        context=host or ScriptedHost(),
        limits=limits or InstanceLimits(),
    )
    assert isinstance(answer, str)
    answered: dict[str, Any] = json.loads(answer)
    return answered


def evaluate(expression: str, *, kind: str = "activity", host: ScriptedHost | None = None) -> Any:
    """Return what a JavaScript expression comes to; it may await."""
    answer = run(f"export default async function main() {{ return ({expression}); }}", kind=kind, host=host)
    assert "ok" in answer, answer
    return answer["ok"]


def describe(source: str, *, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Describe a source whose other files are there when they are asked for."""
    found = dict(files or {})
    host = ScriptedHost({"file": lambda body: {"text": found.get(body["path"])}})
    request = {"kind": "workflow", "files": [{"path": "main.js", "text": source}]}
    answer = runtime().call(RUNTIME, "describe", [json.dumps(request)], context=host)
    assert isinstance(answer, str)
    described: dict[str, Any] = json.loads(answer)
    return described


def _files(files: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"path": path, "text": text} for path, text in (files or {}).items()]


def _name(body: dict[str, Any]) -> str:
    return str(body["hash"]).replace("-", "").lower()


def _data(body: dict[str, Any], key: str) -> bytes:
    return base64.b64decode(body[key])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
