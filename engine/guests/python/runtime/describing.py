"""Reading a component at deploy: its functions with their WIT types, or what is wrong with it.

It happens in the sandbox, so that no user code runs on the host, and with the interpreter that will run the component.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.guests.python.runtime import generated_code
from engine.guests.python.runtime.loading import Artefact, Program, SourceFile, compile_file
from engine.guests.python.runtime.tracebacks import user_line
from obelisk.errors import Refused
from obelisk.functions import Function
from obelisk.names import wit_name
from obelisk.signatures import describe_error

_MILLISECOND = timedelta(milliseconds=1)
_CALLED_BY_WEBHOOKS = ("activity", "imported", "stub", "workflow")


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a component, or its problems (``engine/guests/wit/world.wit`` has the form)."""
    files: list[SourceFile] = []
    problems: list[str] = []
    for given in request["files"]:
        try:
            files.append(compile_file(given["path"], given["text"]))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            message = getattr(error, "msg", None) or str(error)
            problems.append(f"{given['path']}:{line}: {message}")
        else:
            problems += _module_problems(files)
    if problems:
        return {"problems": problems}
    single = None
    if request["kind"] not in ("module", "webhook"):
        single = (request["kind"], request["function"].replace("-", "_"), bool(request.get("has_types")))
    program = Program(Artefact(request.get("package"), tuple(files), single))
    try:
        with generated_code.recorded() as generated:
            program.import_all()
    except BaseException as error:  # noqa: BLE001  # whatever the user's file raises is told to its author
        return {"problems": [_import_problem(program, error)]}
    program.artefact = replace(program.artefact, generated=generated)
    if request["kind"] == "webhook":
        return _describe_webhook(program)
    return _describe_single(program, request["ffqn"]) if single is not None else _describe_all(program)


def _module_problems(files: list[SourceFile]) -> list[str]:
    file = files[-1]
    if not file.module.isidentifier():
        return [f"{file.path}:1: a file cannot be called {file.module!r}; its name must be a Python identifier"]
    if file.module in sys.modules or file.module in sys.stdlib_module_names:
        return [f"{file.path}:1: a file cannot be called {file.module}.py; there is a module of that name already"]
    if any(other.module == file.module for other in files[:-1]):
        return [f"{file.path}:1: two files are called {file.module}.py"]
    return []


def _import_problem(program: Program, error: BaseException) -> str:
    path, line = user_line(error, program.paths) or (program.artefact.files[0].path, 1)
    if isinstance(error, SyntaxError) and error.filename in program.paths:
        path, line = error.filename or path, error.lineno or line
    says_enough = isinstance(error, Refused) or (
        isinstance(error, RuntimeError) and "while the file is imported" in str(error)
    )
    return f"{path}:{line}: {error if says_enough else describe_error(error)}"


def _describe_all(program: Program) -> dict[str, Any]:
    problems = _package_problems(program)
    described: list[dict[str, Any]] = []
    imports: list[dict[str, Any]] = []
    names: dict[tuple[str, str], str] = {}
    for function in program.functions:
        try:
            if function.kind == "webhook":
                # Its endpoint is an entry of its own, which may name the same file.
                continue
            if function.kind == "imported":
                imports.append(_describe_import(function))
                continue
            _check_name(function, names)
            if not problems:
                described.append(_describe_function(function))
            else:
                _ = function.signature
        except Refused as refusal:
            problems.append(f"{_place(function)}: {refusal}")
    if not problems and not described:
        problems.append(
            f"{program.artefact.files[0].path}:1: no function is decorated; write @activity or @workflow above one"
        )
    return {"problems": problems} if problems else _answer(program, described, imports)


def _describe_single(program: Program, ffqn: str) -> dict[str, Any]:
    assert program.artefact.single is not None
    kind, name, has_types = program.artefact.single
    path = program.artefact.files[0].path
    try:
        function = program.single()
    except LookupError as error:
        return {"problems": [f"{path}:1: {error}"]}
    if function.kind != kind:
        return {"problems": [f"{_place(function)}: {name} is decorated as {function.kind}, the entry says {kind}"]}
    try:
        function.check()
        described = [] if has_types else [_describe_function(function, ffqn=ffqn)]
        imports = [_describe_import(other) for other in program.functions if other.kind == "imported"]
    except Refused as refusal:
        return {"problems": [f"{_place(function)}: {refusal}"]}
    return _answer(program, described, imports)


def _describe_webhook(program: Program) -> dict[str, Any]:
    """Describe an endpoint: whatever else its files define, other components have to export."""
    path = program.artefact.files[0].path
    try:
        handler = program.handler()
    except LookupError as error:
        return {"problems": [f"{path}:1: {error}"]}
    try:
        handler.check()
        _check_handler(handler)
        others = [function for function in program.functions if function.kind in _CALLED_BY_WEBHOOKS]
        imports = [_describe_import(function) for function in others]
    except Refused as refusal:
        return {"problems": [f"{_place(handler)}: {refusal}"]}
    return _answer(program, [], imports)


def _check_handler(handler: Function[..., Any]) -> None:
    params = inspect.signature(handler.fn).parameters.values()
    needed = [param for param in params if param.default is param.empty and param.kind is not param.VAR_KEYWORD]
    if len(needed) != 1 or needed[0].kind is needed[0].KEYWORD_ONLY:
        raise Refused(f"{handler.name}: it must take one parameter, the request")


def _answer(program: Program, described: list[dict[str, Any]], imports: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "functions": described,
        "imports": imports,
        "artefact": program.artefact.dump(),
    }


def _package_problems(program: Program) -> list[str]:
    given = program.artefact.package
    problems = []
    for file in program.artefact.files:
        written = getattr(sys.modules[file.module], "PACKAGE", None)
        line = next((n for n, text in enumerate(file.text.splitlines(), 1) if text.startswith("PACKAGE")), 1)
        if written is None:
            problems.append(
                f'{file.path}:1: the package is not named; write PACKAGE = "namespace:name" in the file, '
                "or set package in the deployment entry"
            )
        elif not isinstance(written, str):
            problems.append(f"{file.path}:{line}: PACKAGE must be a string such as 'acme:trips'")
        elif given is not None and written != given:
            problems.append(f"{file.path}:{line}: PACKAGE is {written!r}, but the deployment entry says {given!r}")
    return problems


def _check_name(function: Function[..., Any], names: dict[tuple[str, str], str]) -> None:
    function.check()
    key = (function.kind, wit_name(function.name, place=function.name))
    if key in names:
        raise Refused(f"{function.name}: two names become {key[1]!r} in WIT; rename one of them")
    names[key] = function.name


def _describe_function(function: Function[..., Any], *, ffqn: str | None = None) -> dict[str, Any]:
    signature, policy = function.signature, function.policy
    if policy.atomic:
        raise Refused(
            f"{function.name}: atomic=True is for activities of a Django app; there is no database in the sandbox"
        )
    return {
        "kind": function.kind,
        "name": function.name,
        "place": _place(function),
        "ffqn": function.ffqn if ffqn is None else ffqn,
        "params": [
            {
                "name": param.wit,
                "type": param.codec.wit,
                "is_optional": param.default is not inspect.Parameter.empty,
            }
            for param in signature.params
        ],
        "result": signature.result_wit,
        "max_retries": policy.max_retries,
        "retry_backoff_ms": _milliseconds(policy.retry_backoff),
        "attempt_timeout_ms": _milliseconds(policy.attempt_timeout),
        "title": policy.title,
        "group": policy.group,
        "doc": inspect.getdoc(function.fn),
    }


def _describe_import(function: Function[..., Any]) -> dict[str, Any]:
    function.check()
    signature = function.signature
    return {
        "name": function.name,
        "place": _place(function),
        "ffqn": function.ffqn,
        "params": [{"name": param.name, "type": param.codec.wit} for param in signature.params],
        "ok": None if signature.result is None else signature.result.wit,
    }


def _place(function: Function[..., Any]) -> str:
    code = getattr(function.fn, "__code__", None)
    return f"{code.co_filename if code is not None else '?'}:{function.line}"


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // _MILLISECOND
