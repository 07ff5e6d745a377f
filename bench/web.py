"""A web server of the console, and somebody who may see everything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from bench.site import ROOT, TIMEOUT_S


@contextmanager
def web_server() -> Iterator[tuple[int, psutil.Process]]:
    """Run one on loopback; give its port, and it."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--access-log", os.devnull]
    web = subprocess.Popen([*command, "obelisk_site.asgi:application"], cwd=ROOT)
    try:
        _wait_for(port)
        yield port, psutil.Process(web.pid)
    finally:
        web.terminate()
        web.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def login() -> str:
    """Make somebody who may see everything, logged in; return the cookie."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("viewer"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
