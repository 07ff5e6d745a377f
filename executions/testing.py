"""For tests of components: deploy a file, run it on a real executor in this process, look at the results.

Needs a database of its own, such as pytest-django makes: mark the test ``django_db(transaction=True)``, since the
executor works on connections and threads of its own. ``manage.py new`` writes such a test.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from django.test.utils import override_settings

from components.services import deploy
from engine.log.ids import ExecutionId
from engine.log.retval_json import retval_to_api
from executions.following import Follower
from executions.hosting import ExecutorHost
from executions.journal.journal import SqlJournal
from executions.operations.submitting import submit

PATIENCE_S = 60.0


class DeployedApp:
    """What is deployed, with an executor that runs it; `deployed` makes it.

    Args:
        journal: Where executions are.
    """

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def submit(self, function: str, *params: Any) -> ExecutionId:
        """Start an execution.

        Args:
            function: Its full name, or ``.../interface.function``.
            params: JSON values.

        Raises:
            CallRefused: If the function or the parameters are wrong.
        """
        return submit(function, list(params)).execution_id

    def result(self, execution_id: ExecutionId, *, timeout_s: float = PATIENCE_S) -> Any:
        """Wait for an execution and return its result as clients see it, such as ``{"ok": 55}``.

        Raises:
            TimeoutError: If it does not end in time.
        """
        with Follower(self._journal) as follower:
            retval = follower.wait(execution_id, timeout_s=timeout_s)
        if retval is None:
            raise TimeoutError(f"{execution_id} did not finish within {timeout_s:g} s")
        return retval_to_api(retval)

    def run(self, function: str, *params: Any, timeout_s: float = PATIENCE_S) -> Any:
        """Submit and wait; see `submit` and `result`."""
        return self.result(self.submit(function, *params), timeout_s=timeout_s)


def import_file(path: Path) -> ModuleType:
    """Import a component's Python file on the host, for tests of its functions as plain functions.

    Files beside it can be imported by it. Two files of the same name do not get into each other's way.
    """
    path = path.resolve()
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    name = f"component:{path}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, f"{path} is no Python file"
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # hints are looked up there
    spec.loader.exec_module(module)
    return module


@contextmanager
def deployed(file: Path, *, outbound_hosts: Sequence[str] = ()) -> Iterator[DeployedApp]:
    """Deploy a file and run an executor until the ``with`` ends.

    Args:
        file: The deployment file.
        outbound_hosts: Hosts that the operator allows, as in ``OBELISK_OUTBOUND_HOSTS``.

    Raises:
        DeploymentRefused: If the deployment is wrong.
    """
    interval = sys.getswitchinterval()
    with override_settings(OBELISK_OUTBOUND_HOSTS=list(outbound_hosts)):
        deploy(file)
        host = ExecutorHost()
    journal = SqlJournal.dedicated()
    try:
        host.start()
        yield DeployedApp(journal)
    finally:
        host.stop()
        journal.close()
        sys.setswitchinterval(interval)  # an executor lowers it for its whole process
