"""``wasi:cli``: environment, standard streams, exit, and terminals, of which there are none."""

from __future__ import annotations

from engine.host.wasi.definition import Definition, trap
from engine.host.wasi.state import WasiContext
from engine.host.wasi.stdio import GuestOutput
from engine.host.wasi.streams import (
    INPUT_STREAM,
    OUTPUT_STREAM,
    EmptyInput,
    WriterOutput,
    give_input,
    give_output,
)
from engine.wasm.host_functions import HostResource
from engine.wit.options import JsonValue

TERMINAL_INPUT = HostResource(name="terminal-input")
TERMINAL_OUTPUT = HostResource(name="terminal-output")

_environment = Definition(
    """
    get-environment() -> list<tuple<string, string>>
    get-arguments() -> list<string>
    initial-cwd() -> option<string>
    """
)
_exit = Definition(
    """
    exit(status: result)
    exit-with-code(status-code: u8)
    """
)
_stdin = Definition("get-stdin() -> own<input-stream>", resources={"input-stream": INPUT_STREAM})
_stdout = Definition("get-stdout() -> own<output-stream>", resources={"output-stream": OUTPUT_STREAM})
_stderr = Definition("get-stderr() -> own<output-stream>", resources={"output-stream": OUTPUT_STREAM})
_terminal_input = Definition("", resources={"terminal-input": TERMINAL_INPUT})
_terminal_output = Definition("", resources={"terminal-output": TERMINAL_OUTPUT})
_terminal_stdin = Definition(
    "get-terminal-stdin() -> option<own<terminal-input>>", resources={"terminal-input": TERMINAL_INPUT}
)
_terminal_stdout = Definition(
    "get-terminal-stdout() -> option<own<terminal-output>>", resources={"terminal-output": TERMINAL_OUTPUT}
)
_terminal_stderr = Definition(
    "get-terminal-stderr() -> option<own<terminal-output>>", resources={"terminal-output": TERMINAL_OUTPUT}
)


@_environment.call("get-environment")
def _get_environment(context: WasiContext) -> JsonValue:
    return [[name, value] for name, value in context.wasi.environment.items()]


@_environment.call("get-arguments")
def _get_arguments(_context: WasiContext) -> JsonValue:
    return []


@_environment.call("initial-cwd")
def _initial_cwd(_context: WasiContext) -> JsonValue:
    return None


@_exit.call("exit")
def _exit_with(_context: WasiContext, status: dict[str, None]) -> None:
    raise trap(f"the guest called exit with status {0 if 'ok' in status else 1}")


@_exit.call("exit-with-code")
def _exit_with_code(_context: WasiContext, code: int) -> None:
    raise trap(f"the guest called exit with status {code}")


@_stdin.call("get-stdin")
def _get_stdin(context: WasiContext) -> JsonValue:
    return give_input(context, EmptyInput())


@_stdout.call("get-stdout")
def _get_stdout(context: WasiContext) -> JsonValue:
    return give_output(context, _writer(context.wasi.stdout))


@_stderr.call("get-stderr")
def _get_stderr(context: WasiContext) -> JsonValue:
    return give_output(context, _writer(context.wasi.stderr))


def _writer(output: GuestOutput | None) -> WriterOutput:
    return WriterOutput(None if output is None else output.write)


@_terminal_stdin.call("get-terminal-stdin")
@_terminal_stdout.call("get-terminal-stdout")
@_terminal_stderr.call("get-terminal-stderr")
def _no_terminal(_context: WasiContext) -> None:
    return None


ENVIRONMENT_INTERFACE = _environment.finish()
EXIT_INTERFACE = _exit.finish()
STDIN_INTERFACE = _stdin.finish()
STDOUT_INTERFACE = _stdout.finish()
STDERR_INTERFACE = _stderr.finish()
TERMINAL_INPUT_INTERFACE = _terminal_input.finish()
TERMINAL_OUTPUT_INTERFACE = _terminal_output.finish()
TERMINAL_STDIN_INTERFACE = _terminal_stdin.finish()
TERMINAL_STDOUT_INTERFACE = _terminal_stdout.finish()
TERMINAL_STDERR_INTERFACE = _terminal_stderr.finish()
