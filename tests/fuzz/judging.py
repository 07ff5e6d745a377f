"""What makes an answer a finding."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

from executions.api.problems import ProblemCode
from executions.deployed import deployed_registry
from tests.fuzz.messages import Request, parse_request, to_api
from tests.fuzz.sites import Answer, SiteInProcess

MOST_CPU_S: Final = 10.0
"""Of one request, all threads of the process together; compiling a component of 100 kB takes a second of it."""
_READING_S: Final = 10.0
"""What a file that is a component may compute before it is refused (`engine.guests.python.describe`)."""
MOST_GROWTH_MIB: Final = 700
"""How much one request may raise the most memory that the process ever had; a guest may have 512 MiB."""

_BUSY: Final = ("busy", "out_of_permits", "too_many_followers")
_GUESTS_FAULT: Final = ("webhook_broken", "webhook_error_code", "webhook_timed_out")
"""Documented answers for what a guest does; the fuzzer's own guest does them only where it is asked to."""
_FAILING: Final = (b"panic", b"spin", b"silent", b"error-code", b"cut-off", b"flood", b"/get", b"/call", b"/fetch")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in a word and in a sentence.

    Args:
        kind: Stays the same while a case is made smaller.
        detail: One sentence.
    """

    kind: str
    detail: str


def judge(site: SiteInProcess, content: bytes) -> Finding | None:
    """Send a case and return what is wrong with how it was taken; ``None`` if nothing is."""
    request = parse_request(content)
    before = site.changes.counts()
    cpu, memory = time.process_time(), _most_memory_mib()
    answer = site.send(request)
    cpu, memory = time.process_time() - cpu, _most_memory_mib() - memory
    if cpu > MOST_CPU_S + _READING_S * content.count(b"location"):
        return Finding("cpu", f"it took {cpu:.1f} s of computing; answer {answer.status}")
    if memory > MOST_GROWTH_MIB:
        return Finding("memory", f"it took {memory} MiB more than ever before; answer {answer.status}")
    if (found := _wrong_answer(request, answer)) is not None:
        return found
    if answer.status >= 400 and answer.code not in _GUESTS_FAULT:
        return _changed(site, request, before)
    if request.target == b"/v1/executions" and answer.status == 201:
        return _wrong_echo(request, answer)
    if request.target == b"/v1/deployments" and answer.status == 200 and request.method == b"POST":
        return _unreadable(site, orjson.loads(answer.body)["deployment_id"])
    return None


def _unreadable(site: SiteInProcess, deployment: str) -> Finding | None:
    """What was stored can be looked at, verified and compared."""
    active = deployed_registry().deployment.id
    looks = [("GET", f"{path}?deployment_id={deployment}") for path in ("components", "wit", "functions", "crons")]
    looks += [("GET", f"deployments/{deployment}"), ("GET", f"deployments/{active}/diff/{deployment}")]
    for method, path in (*looks, ("POST", f"deployments/{deployment}/verify")):
        request = to_api(method, path, b"{}" if method == "POST" else b"")
        found = _wrong_answer(request, site.send(request))
        if found is not None:
            return Finding(f"stored, then {found.kind}", f"{method} {path}: {found.detail}")
    return None


def _wrong_answer(request: Request, answer: Answer) -> Finding | None:
    code = answer.code
    if answer.status == 0:
        return Finding("no answer", "the connection ended without an answer")
    if answer.status >= 500:
        is_guests = code in _GUESTS_FAULT or (code is None and answer.status in (500, 504))
        if is_guests and request.target.startswith(b"/hooks/") and any(word in request.target for word in _FAILING):
            return None
        if code in _BUSY:
            return None
        return Finding(f"status {answer.status}", f"{code}: {answer.body[:500]!r}")
    if answer.status >= 400 and request.target.startswith(b"/v1/"):
        if code is None:
            return Finding("no problem document", f"{answer.status} {answer.headers} {answer.body[:300]!r}")
        if code not in {known.value for known in ProblemCode}:
            return Finding("unknown problem", code)
    if b"Traceback (most recent call last)" in answer.body and request.target.startswith(b"/v1/deployments"):
        return Finding("traceback", repr(answer.body[:500]))
    return None


def _changed(site: SiteInProcess, request: Request, before: dict[str, int]) -> Finding | None:
    if site.changes.counts() == before:
        return None
    # What an earlier request started may have gone on meanwhile: only what changes again, at rest, was this one.
    site.changes.settle()
    before = site.changes.counts()
    answer = site.send(request)
    changed = [name for name, number in site.changes.counts().items() if number != before.get(name)]
    if not changed or answer.status < 400:
        return None
    return Finding("refused and changed", f"{answer.status} {answer.code}; changed: {', '.join(sorted(changed))}")


def _wrong_echo(request: Request, answer: Answer) -> Finding | None:
    """Whatever the probe echoes comes back as what the site read."""
    call = orjson.loads(request.body)
    function = deployed_registry().find(call["ffqn"])
    if function is None or not function.name.function.startswith("echo-"):
        return None
    result: Any = orjson.loads(answer.body)
    read: Any = function.read_params(call["params"])
    if isinstance(result.get("ok"), str) and result["ok"].startswith("E_"):
        return None  # it took longer than the client waits, or is paused
    expected = read[0] if len(read) == 1 else read
    return None if result == {"ok": expected} else Finding("echo", f"sent {expected!r:.300}, got {result!r:.300}")


def _most_memory_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
