"""``manage.py token create|list|revoke``: tokens with which programs use the API."""

from __future__ import annotations

import json as json_module
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine.errors import EngineError
from engine.log.time_json import encode_instant
from executions.access.scopes import MEANINGS, Scope
from executions.access.tokens import issue_token, revoke_token
from executions.models import ApiToken


class Command(BaseCommand):
    """Makes, lists and revokes tokens."""

    help = "Make, list and revoke tokens of the API. Scopes: " + "; ".join(
        f"{scope.value}: {meaning}" for scope, meaning in MEANINGS.items()
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the sub-commands."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="create|list|revoke")
        create = actions.add_parser("create", help="make a token and print it, this once")
        create.add_argument("name", help="what it is for")
        create.add_argument(
            "--scope",
            action="append",
            choices=[scope.value for scope in Scope],
            help="what it allows; may be repeated (default: read)",
        )
        create.add_argument("--days", type=float, help="until it expires (default: never)")
        create.add_argument("--json", action="store_true", help="print one JSON document")
        listing = actions.add_parser("list", help="every token, with its prefix and never the token itself")
        listing.add_argument("--json", action="store_true", help="print one JSON document")
        revoke = actions.add_parser("revoke", help="make a token worthless")
        revoke.add_argument("prefix", help="its prefix, as `list` shows it")

    def handle(self, *_args: Any, action: str, **options: Any) -> None:
        """Carry out a sub-command."""
        try:
            match action:
                case "create":
                    self._create(**options)
                case "list":
                    self._list(as_json=options["json"])
                case _:
                    self.stdout.write(f"{revoke_token(options['prefix'])} is revoked")
        except EngineError as error:
            raise CommandError(str(error)) from error

    def _create(self, *, name: str, scope: list[str] | None, days: float | None, json: bool, **_options: Any) -> None:
        scopes = [Scope(each) for each in scope or [Scope.READ]]
        try:
            lifetime = None if days is None else timedelta(days=days)
        except (OverflowError, ValueError) as error:
            raise CommandError(f"--days {days} is no usable time") from error
        token, text = issue_token(name, scopes, lifetime=lifetime)
        if json:
            self.stdout.write(json_module.dumps({"token": text, **_described(token)}))
            return
        self.stdout.write(text)
        self.stderr.write(f"Scopes: {', '.join(token.scopes)}. It is not shown again.")

    def _list(self, *, as_json: bool) -> None:
        described = [_described(token) for token in ApiToken.objects.order_by("created_at")]
        if as_json:
            self.stdout.write(json_module.dumps(described))
            return
        if not described:
            self.stdout.write("no tokens; `manage.py token create NAME` makes one")
        for each in described:
            state = "revoked" if each["revoked_at"] else f"last used {each['last_used_at'] or 'never'}"
            self.stdout.write(f"{each['prefix']}  {','.join(each['scopes']):<28}  {state:<40}  {each['name']}")


def _described(token: ApiToken) -> dict[str, Any]:
    instants = ("created_at", "last_used_at", "expires_at", "revoked_at")
    return {
        "prefix": token.prefix,
        "name": token.name,
        "scopes": token.scopes,
        **{name: None if (at := getattr(token, name)) is None else encode_instant(at) for name in instants},
    }
