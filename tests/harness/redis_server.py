"""A private Redis: on a port of its own, in a folder of its own, keeping nothing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.harness.nodes import Node

_PROGRAM: Final = "redis-server"


def skip_without_redis() -> None:
    """Skip the test where Redis is not installed."""
    if shutil.which(_PROGRAM) is None:
        pytest.skip("redis-server is not installed")


class RedisServer:
    """Debian's redis-server, which ends with this process at the latest; killed and frozen as any `Node`.

    Args:
        folder: Where its log goes; must exist.
        port: Where it listens, on loopback.
        password: What clients have to know.
    """

    def __init__(self, folder: Path, *, port: int, password: str) -> None:
        self.port = port
        self._password = password
        self._secret = _private_file(folder / "redis.password", password)
        # In a file: arguments are for everybody to see.
        config = _private_file(
            folder / "redis.conf",
            f'bind 127.0.0.1\nport {port}\nrequirepass "{password}"\ndir "{folder}"\nsave ""\n',
        )
        command = ["setpriv", "--pdeathsig=TERM", "--", _PROGRAM, str(config)]
        self.node = Node("redis", command, log=folder / "redis.log")

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables with which a site uses it."""
        return {
            "OBELISK_REDIS_URL": f"redis://127.0.0.1:{self.port}/0",
            "OBELISK_REDIS_PASSWORD_FILE": str(self._secret),
        }

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.node.start()
        self.node.wait_until(self._answers)

    def stop(self) -> None:
        """Stop it in order."""
        self.node.stop()

    def client(self) -> redis.Redis:
        """Return a client; close it."""
        return redis.Redis(host="127.0.0.1", port=self.port, password=self._password, socket_timeout=10)

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()


def _private_file(path: Path, content: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(content)
    return path
