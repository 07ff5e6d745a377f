"""What a page of a long event log costs the server. Run ``python -m bench.micro_log``, or with a number of events.

A page is made as for a person who is logged in, without the network: open at the end, a window in the middle as it is
fetched while scrolling, and a text that is searched for.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

from bench.site import fresh_directory, set_up_site

RUNS = 15
_PARTS = {
    "open at the end": "events/",
    "window in the middle": "events/rows/?around={middle}",
    "text filter": "events/?text=nothing",
    "opened event": "events/{middle}/",
}


def main(length: int) -> None:
    """Measure and print medians."""
    with fresh_directory() as directory:
        os.environ["OBELISK_DATA_DIR"] = str(directory)
        set_up_site()
        _measure(length)


def _measure(length: int) -> None:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.create_superuser("bench", password=None))
    execution_id = _submit(length)
    print(f"{length:,} events; medians of {RUNS}")
    for title, path in _PARTS.items():
        address = f"/admin/executions/{execution_id}/{path.format(middle=length // 2)}"
        times, size = [], 0
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            response = client.get(address)
            times.append(time.perf_counter() - began)
            assert response.status_code == 200, response.status_code
            size = len(response.content)
        print(f"  {title:<22} {statistics.median(times[1:]) * 1000:>8.1f} ms {size / 1000:>8.1f} kB")


def _submit(length: int) -> str:
    from engine.deployment.spec import ComponentId, ComponentType
    from engine.journal.records import NewExecution, Submit
    from engine.log import events as e
    from engine.log.ids import DeploymentId, Version, make_execution_id
    from engine.log.return_values import JsonText
    from executions.journal.journal import SqlJournal

    now = datetime.now(UTC)
    created = e.Created(
        ffqn="bench:log/api.call",
        params=JsonText("[]"),
        scheduled_at=now + timedelta(days=1),
        component_id=ComponentId(component_type=ComponentType.WORKFLOW, name="bench", digest="sha256:" + "a" * 64),
        deployment_id=DeploymentId("Dep_00000000000000000000000001"),
    )
    events = [created, *((e.Unpaused(), e.Paused())[number % 2] for number in range(1, length))]
    entries = tuple(e.LogEntry(Version(number), now, event) for number, event in enumerate(events))
    execution_id = make_execution_id(now, os.urandom(10))
    SqlJournal.for_current_connection().commit([Submit(NewExecution(execution_id, entries))], now=now)
    return execution_id


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
