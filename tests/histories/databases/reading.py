"""What the API tells about the executions that the databases of old versions hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.acceptance.sites import Site
from tests.histories.databases.stories import STORIES

ANSWERED: Final = next(story.execution_id for story in STORIES if story.ffqn.endswith(".ask-and-wait"))
"""Waits for somebody's answer."""

_READ = """
import json
from django.test import Client
from executions.access.scopes import Scope
from executions.access.tokens import issue_token
headers = {{"Authorization": "Bearer " + issue_token("histories", tuple(Scope))[1], "Accept": "application/json"}}
headers["Host"] = "127.0.0.1"
client = Client()
def get(path):
    answer = client.get("/v1/executions/" + path, headers=headers)
    assert answer.status_code in (200, 425), answer.content
    return b"".join(answer) if answer.streaming else answer.content
def read(execution_id):
    parts = {{"result": "", "status": "/status",
             "events": "/events?length=1000", "responses": "/responses?length=1000"}}
    return {{name: json.loads(get(execution_id + path)) for name, path in parts.items()}}
print(json.dumps({{execution_id: read(execution_id) for execution_id in {ids!r}}}))
"""


def documents(site: Site) -> dict[str, Any]:
    """Return result, events, responses and state of every story's execution, as the API has them."""
    ids = [str(story.execution_id) for story in STORIES]
    found: dict[str, Any] = site.python(_READ.format(ids=ids))
    return found


def as_recorded(told: Any, recorded: Any) -> Any:
    """Return a document without what an older version did not tell: objects may gain members, and nothing else."""
    if isinstance(told, dict) and isinstance(recorded, dict):
        return {name: as_recorded(value, recorded[name]) for name, value in told.items() if name in recorded}
    if isinstance(told, list) and isinstance(recorded, list) and len(told) == len(recorded):
        return [as_recorded(value, before) for value, before in zip(told, recorded, strict=True)]
    return told


def results_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what executions came to.

    Lists are sorted: what never ran in its old version may get the responses of a join set in another order.
    """
    return {execution_id: _sorted(document["result"]) for execution_id, document in told.items()}


def ended(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of a file that ``make`` wrote."""
    return {execution_id: _sorted(result) for execution_id, result in recorded["results"].items()}


def _sorted(result: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: sorted(value, key=str) if isinstance(value, list) else value for kind, value in result.items()}
