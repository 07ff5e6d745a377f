"""``python -m tests.topology``: a whole site on this machine, without containers, until Ctrl-C."""
# ruff: noqa: E402 - what is imported below needs Django to be set up

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.acceptance.sites import unused_port
from tests.harness.postgresql import PrivateServer
from tests.harness.redis_server import RedisServer
from tests.harness.topology import Topology

_FIRST = """
import json, pathlib
from executions.access.first_token import ensure_token
from executions.first_admin import USERNAME, ensure_admin
folder = pathlib.Path({folder!r})
print(json.dumps([USERNAME, ensure_admin(folder / "admin_password"), ensure_token(folder / "api_token")]))
"""


def main() -> None:
    """Start what was asked for, say where it is, and stop it all in the end."""
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="obelisk-topology-")))
        settings: dict[str, str] = {}
        server = None
        if options.database == "postgresql":
            server = stack.enter_context(PrivateServer({}, port=unused_port()))
        if options.redis:
            redis = RedisServer(folder, port=unused_port(), password=os.urandom(16).hex())
            stack.callback(redis.node.kill)
            redis.start()
            settings.update(redis.environment)
        topology = stack.enter_context(Topology(folder, server=server, settings=settings))
        _say(f"Logs and data: {folder}")
        topology.manage("migrate", "-v0")
        topology.manage("deploy", options.deploy)
        for _ in range(options.executors):
            executor = topology.add_executor()
            _say(f"{executor.name}: process {executor.pid}")
        for number in range(options.web):
            web = topology.add_web(port=options.port + number if options.port else 0)
            _say(f"{web.name}: {web.origin}/admin/, process {web.pid}")
        first = _FIRST.format(folder=str(folder))
        user, password, token = json.loads(topology.manage("shell", "-v0", "-c", first).out)
        _say(f"Login: {user} / {password}\nToken: {token}\nCtrl-C stops everything.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            _say("\nStopping ...")
            topology.stop()
    _say("Stopped.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.topology", description=__doc__)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql", help="what all share")
    parser.add_argument("--redis", action=argparse.BooleanOptionalAction, default=True, help="for housekeeping")
    parser.add_argument("--web", type=int, default=1, metavar="N", help="web processes (1)")
    parser.add_argument("--executors", type=int, default=3, metavar="N", help="executors (3)")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="of the first web process; any by default")
    parser.add_argument("--deploy", default="examples/compiled.toml", metavar="FILE", help="what they run")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # while it starts; what was started is stopped all the same
        main()
