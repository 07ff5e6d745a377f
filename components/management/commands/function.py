"""``manage.py function list``: what the active deployment offers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from components.deployed_rows import deployed_components
from components.reports import KIND_TITLES, describe_companions, describe_function, function_line


class Command(BaseCommand):
    """Lists functions."""

    help = "Look at the functions of the active deployment."

    # Of the site's settings `check` and the services speak; here one sentence is to say what is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser(
            "list",
            help="every function with its kind, component, parameters and result type",
            description="List every function of the active deployment, in the order of the deployment file.",
        )
        listing.add_argument("--json", action="store_true", help="print one JSON list instead of text")
        listing.add_argument(
            "--extensions",
            action="store_true",
            help="also list what the engine generates for each function: submit, await-next, get, schedule, stub",
        )

    def handle(self, *_args: Any, json: bool, extensions: bool, **_options: Any) -> None:
        """List the functions."""
        described = list(_described(extensions=extensions))
        if json:
            self.stdout.write(_dump(described))
        elif not described:
            self.stdout.write("Nothing is deployed; `manage.py deploy FILE.toml` changes that.")
        else:
            self._show(described)

    def _show(self, described: list[dict[str, Any]]) -> None:
        for kind, title in KIND_TITLES.items():
            components: dict[str, list[dict[str, Any]]] = {}
            for function in described:
                if function["kind"] == kind:
                    components.setdefault(function["component"], []).append(function)
            for component, functions in components.items():
                self.stdout.write(self.style.MIGRATE_HEADING(f"{title} of {component}"))
                for function in functions:
                    self.stdout.write(f"  {function_line(function)}")


def _described(*, extensions: bool) -> Iterator[dict[str, Any]]:
    for _, functions in deployed_components():
        for function in functions:
            yield describe_function(function)
            if extensions:
                yield from describe_companions(function)


def _dump(document: list[dict[str, Any]]) -> str:
    return json.dumps(document, indent=2)
