"""``manage.py new NAME --lang py|js|rust``: write a small component that works."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from components.scaffolding import DEFAULT_NAMESPACE, Language, ScaffoldName, ScaffoldRefused, write_scaffold

_HELP = f"""\
Write a small component that works, with its deployment entry and its test, to start from.

  py    one file of typed functions: an activity and a workflow. No build.
  js    an activity and a workflow, a file each. No build, no Node.
  rust  an activity as a Cargo project with its WIT. Built by its build.sh, which needs Rust
        and its target wasm32-wasip2.

NAME is made of lower-case words joined by hyphens, such as hello-world. Its functions are then
called {DEFAULT_NAMESPACE}:hello-world/activities.greet and the like; NAME may say whose it is, as in acme:hello-world.
Nothing is overwritten.

  manage.py new hello --lang py
  manage.py deploy hello/deployment.toml
  manage.py submit {DEFAULT_NAMESPACE}:hello/workflows.greet-all '[["Ada", "Alan"], 0.5]' --follow
"""

_CALLS: Mapping[Language, tuple[str, str]] = {
    Language.PYTHON: ("workflows.greet-all", '[["Ada", "Alan"], 0.5]'),
    Language.JAVASCRIPT: ("workflows.greet-all", '[["Ada", "Alan"], 500]'),
    Language.RUST: ("activities.greet", '["Ada"]'),
}


class Command(BaseCommand):
    """Writes a component."""

    help = "Write a small component that works, with its deployment entry and its test."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Return a parser that shows the help as it is laid out."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.description = _HELP
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", metavar="NAME", help="what it is called: name or namespace:name")
        parser.add_argument(
            "--lang", required=True, choices=[language.value for language in Language], help="what it is written in"
        )
        parser.add_argument("--dir", type=Path, help="the folder to write to (default: NAME, here)")

    def handle(self, *_args: Any, name: str, lang: str, dir: Path | None, **_options: Any) -> None:  # noqa: A002 - the option's name
        """Write the files and say what to do with them."""
        language = Language(lang)
        try:
            parsed = ScaffoldName.parse(name, language)
            folder = dir or Path(parsed.name)
            written = write_scaffold(parsed, language, folder)
        except ScaffoldRefused as error:
            raise CommandError(str(error)) from error
        for path in written:
            self.stdout.write(f"  {path}")
        self.stdout.write("\nNext:")
        for command, what in _next_steps(parsed, language, folder):
            self.stdout.write(f"\n  {command}\n      {what}")


def _next_steps(name: ScaffoldName, language: Language, folder: Path) -> Iterator[tuple[str, str]]:
    manage = shlex.join([_shown(Path(sys.executable)), _shown(settings.BASE_DIR / "manage.py")])
    if language is Language.RUST:
        yield shlex.quote(str(folder / "build.sh")), "compiles it; says what is missing if Rust or its target is"
    deployment = shlex.quote(str(folder / "deployment.toml"))
    yield f"{manage} deploy {deployment}", "checks it and makes it the active deployment, in the place of what is"
    function, params = _CALLS[language]
    yield (
        f"{manage} submit {name.package}/{function} '{params}' --follow",
        "runs it on an executor: that of `make run`, or one of `manage.py run_executor`",
    )
    arguments = shlex.quote(f"-n 0 -c pyproject.toml {shlex.quote(str(folder.resolve()))}")
    make = "make" if Path.cwd() == settings.BASE_DIR else f"make -C {shlex.quote(str(settings.BASE_DIR))}"
    yield f"{make} test ARGS={arguments}", "runs its test"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
