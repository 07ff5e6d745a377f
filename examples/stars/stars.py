"""Thanking people for their stars: GitHub tells of each, and a workflow looks the person up and writes a guest book.

Deployed twice: as activities and workflows, and as the webhook endpoint that GitHub calls.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import timedelta

from obelisk import Request, Response, activity, http, schedule, webhook, workflow

PACKAGE = "example:stars"


@dataclass
class Stargazer:
    """Who gave a star, as their profile says."""

    login: str
    name: str
    city: str | None = None


@activity(max_retries=5, retry_backoff=timedelta(milliseconds=200))
def look_up(login: str) -> Stargazer:
    """Ask for somebody's profile."""
    profile = http.get(f"{_service()}/users/{login}").raise_for_status().json()
    return Stargazer(login, profile["name"] or login, profile["city"])


@activity(max_retries=5, retry_backoff=timedelta(milliseconds=200))
def write_entry(repository: str, stargazer: Stargazer, thanks: str) -> None:
    """Write somebody into the guest book; writing it again changes nothing."""
    entry = {**asdict(stargazer), "thanks": thanks}
    http.put(f"{_service()}/books/{repository}/{stargazer.login}", json=entry).raise_for_status()


@activity(max_retries=5, retry_backoff=timedelta(milliseconds=200))
def strike_entry(repository: str, login: str) -> None:
    """Take somebody out of the guest book."""
    http.delete(f"{_service()}/books/{repository}/{login}").raise_for_status()


@workflow
def star_added(repository: str, login: str) -> str:
    """Thank somebody for a star."""
    stargazer = look_up(login)
    where = f" in {stargazer.city}" if stargazer.city else ""
    thanks = f"Thank you, {stargazer.name}{where}!"
    write_entry(repository, stargazer, thanks)
    return thanks


@workflow
def star_removed(repository: str, login: str) -> None:
    """Forget somebody whose star is gone."""
    strike_entry(repository, login)


@webhook
def handle(request: Request) -> Response:
    """Start what a star asks for; GitHub need not wait for it."""
    if request.headers.get("X-GitHub-Event") == "ping":
        return Response("pong")
    event = request.json()
    try:
        action, login, repository = event["action"], event["sender"]["login"], event["repository"]["full_name"]
    except (KeyError, TypeError):
        return Response("this is no event about a star", status=422)
    if action not in ("created", "deleted"):
        return Response(f"nothing is done about {action}")
    work = star_added if action == "created" else star_removed
    return Response.json({"execution_id": schedule(work, repository, login)}, status=202)


def _service() -> str:
    return os.environ["STARS_SERVICE"]
