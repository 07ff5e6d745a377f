"""Native programs as components: a process for each call, parameters and results as JSON.

Source:
    Obelisk reference, section 1.4.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from engine.activity.process_run import ProcessCall, ProcessEnd, ProcessRun
from engine.activity.process_start import ProgramFile
from engine.deployment.spec import ComponentSpec, ProcessPolicy
from engine.errors import InvalidComponent, UnusableResult, ValueMismatch
from engine.host.context import GuestNote
from engine.host.wasi.stdio import GuestOutput
from engine.wasm.instance import InstanceLimits
from engine.wit.grammar import format_type
from engine.wit.json_values import dump_json, load_json, read_value
from engine.wit.options import JsonValue
from engine.wit.types import ResultType, WitType

_FOR_EVER_S = 10 * 365 * 86_400.0
_TAIL_BYTES = 2048


class ProcessContext(Protocol):
    """An attempt at a program, as `engine.executor.activity_context.ActivityContext` is one."""

    note: GuestNote | None

    def check_program(self) -> None:
        """Return if the operator allows the program; raise `DeploymentError` if not."""
        ...

    def output(self, stream: str) -> GuestOutput | None:
        """Return where a stream goes; ``None`` if nowhere."""
        ...

    def reveal_secrets(self) -> Mapping[str, str]:
        """Return the secrets that the program reads."""
        ...

    def redact(self, text: str) -> str:
        """Return a text without them."""
        ...


class ProcessProgram:
    """A native program, ready to run; `engine.executor.programs.Program`.

    Args:
        component: The component.
        program: The program's file.
    """

    def __init__(self, component: ComponentSpec, program: Path) -> None:
        self.component = component
        self.program = program

    def instantiate(
        self, *, context: ProcessContext, deadline: float | None, limits: InstanceLimits
    ) -> ProcessInstance:
        """Return something that can be called once.

        Raises:
            DeploymentError: If the operator does not allow the program.
        """
        context.check_program()
        return ProcessInstance(self, context, deadline)


class ProcessInstance:
    """One call of a program; `engine.executor.programs.RunningInstance`."""

    def __init__(self, program: ProcessProgram, context: ProcessContext, deadline: float | None) -> None:
        self._program = program
        self._context = context
        self._run = ProcessRun(expires_at=_expiry(deadline))
        self._tail = bytearray()

    def call(self, export: str, function: str, args: Sequence[object]) -> JsonValue:
        """Run the program and return what it printed as the function's canonical result.

        Raises:
            InvalidComponent: If it cannot be started.
            UnusableResult: If what it printed is no result of the function.
            Trap: If its time was over, or it was interrupted.
        """
        component = self._program.component
        (spec,) = component.functions
        result = spec.type.result
        assert isinstance(result, ResultType)
        values: list[JsonValue] = list(args)  # type: ignore[arg-type]  # canonical values
        policy = component.process or ProcessPolicy()
        output = self._context.output("stderr")

        def note_stderr(data: bytes) -> None:
            self._tail += data
            del self._tail[:-_TAIL_BYTES]
            if output is not None:
                output.write(data)

        with tempfile.TemporaryDirectory(prefix="obelisk-run-", ignore_cleanup_errors=True) as folder:
            end = self._run.run(
                ProcessCall(
                    file=ProgramFile(
                        program=self._program.program,
                        arguments=[] if policy.params_via_stdin else [dump_json(value) for value in values],
                        environment=component.sandbox.env_vars,
                        folder=Path(folder),
                    ),
                    stdin=self._stdin(policy, values),
                    max_stdout=policy.max_output_bytes,
                    on_stderr=note_stderr,
                )
            )
        if output is not None:
            output.close()
        if end.code != 0:
            self._context.note = GuestNote(trace=self._trace(end))
        return self._read_result(result, end)

    def set_deadline(self, deadline: float | None) -> None:
        """Let the run end ``deadline`` seconds from now; from any thread."""
        self._run.set_expiry(_expiry(deadline))

    def interrupt(self) -> None:
        """Kill the program; from any thread."""
        self._run.interrupt()

    def __enter__(self) -> ProcessInstance:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Free what the run took."""
        self._run.__exit__()

    def _stdin(self, policy: ProcessPolicy, args: Sequence[JsonValue]) -> bytes | None:
        document: dict[str, JsonValue] = {}
        if policy.params_via_stdin:
            document["params"] = list(args)
        if policy.secrets:
            document["secrets"] = dict(self._context.reveal_secrets())
        return dump_json(document).encode() if document else None

    def _read_result(self, result: ResultType, end: ProcessEnd) -> JsonValue:
        key, payload = ("ok", result.ok) if end.code == 0 else ("err", result.err)
        if payload is None:
            return {key: None}
        return {key: _read_payload(payload, key, end.code, end.stdout, self._context.redact)}

    def _trace(self, end: ProcessEnd) -> str:
        tail = self._context.redact(self._tail.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"))
        how = "it was ended by a signal" if end.code == -1 else f"it exited with {end.code}"
        return f"{how}\n{tail}".rstrip()


def write_program(content: bytes, path: Path) -> None:
    """Write a program where it can be executed, by its owner only.

    Raises:
        InvalidComponent: If it cannot be written.
    """
    try:
        path.write_bytes(content)
        path.chmod(0o500)
    except OSError as error:
        raise InvalidComponent(f"the program cannot be written to be run: {error.strerror}") from error


def _expiry(deadline: float | None) -> float:
    return time.monotonic() + (_FOR_EVER_S if deadline is None else deadline)


def _read_payload(payload: WitType, key: str, code: int, stdout: bytes, redact: Callable[[str], str]) -> JsonValue:
    what = f"the program exited with {code}; its stdout is to be the {key} payload, {format_type(payload)}"
    if not stdout.strip():
        raise UnusableResult(f"{what}, but is empty")
    try:
        return read_value(payload, load_json(redact(stdout.decode())), path="stdout")
    except UnicodeDecodeError as error:
        raise UnusableResult(f"{what}, but byte {error.start} is not UTF-8 text") from None
    except ValueMismatch as error:
        raise UnusableResult(f"{what}: {error}") from None
