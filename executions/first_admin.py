"""The login with which a person first enters the admin."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.contrib.auth import get_user_model

USERNAME = "admin"
_PASSWORD_BYTES = 12


def ensure_admin(password_file: Path) -> str | None:
    """Create a superuser with a random password if there is no user yet.

    The password is kept in a file that only this user can read, so that it can be shown again.

    Args:
        password_file: Where to keep it.

    Returns:
        The password, or ``None`` if people manage their users themselves.
    """
    users = get_user_model().objects
    if not users.exists():
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            # The mode above counts for a new file only.
            os.fchmod(descriptor, 0o600)
            file.write(password + "\n")
        users.create_superuser(USERNAME, password=password)
        return password
    admin = users.filter(username=USERNAME).first()
    if admin is None or not password_file.exists():
        return None
    password = password_file.read_text().strip()
    return password if admin.check_password(password) else None
