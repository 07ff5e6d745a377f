"""The token with which a person first uses the API of a site of their own."""

from __future__ import annotations

import os
from pathlib import Path

from executions.access.scopes import Scope
from executions.access.tokens import find_token, issue_token
from executions.models.api_token import ApiToken

NAME = "made by manage.py serve"


def ensure_token(token_file: Path) -> str | None:
    """Make a token of every scope if there is none yet.

    It is kept in a file that only this user can read, so that it can be shown again; whoever can read the data
    directory can read everything anyway.

    Args:
        token_file: Where to keep it.

    Returns:
        The token, or ``None`` if people manage their tokens themselves.
    """
    if not ApiToken.objects.exists():
        _, text = issue_token(NAME, Scope)
        descriptor = os.open(token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            # The mode above counts for a new file only.
            os.fchmod(descriptor, 0o600)
            file.write(text + "\n")
        return text
    if not token_file.exists():
        return None
    text = token_file.read_text().strip()
    return text if find_token(text) is not None else None
