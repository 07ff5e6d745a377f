"""``manage.py component list|wit|companions``: components, and the WIT of what they offer."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError

from components.component_wit import component_wit
from components.deployed_rows import deployed_components
from components.reports import counted, describe_component
from components.wit_companions import companions_text
from engine.errors import EngineError
from engine.wit.extensions import ExportKind


class Command(BaseCommand):
    """Lists components, and prints WIT."""

    help = "Look at the components of the active deployment, and at what is generated for a component's functions."

    # Of the site's settings `check` and the services speak; here one sentence is to say what is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser(
            "list",
            help="every component with its kind, digest and number of functions",
            description="List the components of the active deployment, in the order of the deployment file.",
        )
        listing.add_argument("--json", action="store_true", help="print one JSON list instead of text")
        wit = actions.add_parser(
            "wit",
            help="what one component imports and exports, as WIT text",
            description="Print what a component of the active deployment imports and exports, as WIT text.",
        )
        wit.add_argument("name", metavar="NAME", help="the component's name in the deployment file")
        companions = actions.add_parser(
            "companions",
            help="what is generated for the functions that a folder of WIT exports",
            description="Print what the engine generates for the functions that a folder of WIT exports, as WIT text, "
            "before anything is deployed.",
        )
        companions.add_argument(
            "type", choices=get_args(ExportKind), help="the type of the component that exports them"
        )
        companions.add_argument("folder", type=Path, metavar="FOLDER", help="the folder, whose package has one world")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Do one of the actions."""
        match action:
            case "list":
                self._list(as_json=options["json"])
            case "wit":
                self._print_wit(options["name"])
            case _:
                self._print_companions(options["folder"], options["type"])

    def _list(self, *, as_json: bool) -> None:
        described = [
            describe_component(component, functions=len(functions)) for component, functions in deployed_components()
        ]
        if as_json:
            self.stdout.write(json.dumps(described, indent=2))
        elif not described:
            self.stdout.write("Nothing is deployed; `manage.py deploy FILE.toml` changes that.")
        for component in () if as_json else described:
            identity = component["component_id"]
            self.stdout.write(
                f"{identity['component_type']:<14} {identity['name']}  "
                f"{counted(component['functions'], 'function')}  {identity['component_digest']}"
            )

    def _print_wit(self, name: str) -> None:
        components = {component.name: (component, functions) for component, functions in deployed_components()}
        if name not in components:
            known = f"; there are {', '.join(components)}" if components else ""
            raise CommandError(f"no component {name} is deployed{known}")
        try:
            text = component_wit(*components[name], companions=False)
        except EngineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text.rstrip("\n"))

    def _print_companions(self, folder: Path, kind: ExportKind) -> None:
        try:
            self.stdout.write(companions_text(folder.resolve(), kind).rstrip("\n"))
        except EngineError as error:
            raise CommandError(str(error)) from error
