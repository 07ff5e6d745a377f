"""The directory that holds everything a running site writes: database, caches, logs, reports and its secret key."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from obelisk_site.env import EnvError

#: The variable that names the directory, for error messages.
DATA_DIR_VARIABLE: Final = "OBELISK_DATA_DIR"

_SECRET_KEY_BYTES: Final = 50


def prepare_data_dir(path: Path) -> Path:
    """Make the data directory and its ``logs`` folder, and return it.

    The directory is made for its owner alone, since it will hold the secret key and everything the workflows know. One
    that exists keeps the rights it has.

    Raises:
        EnvError: If the directory cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "logs").mkdir(exist_ok=True)
    except OSError as exc:
        raise EnvError(DATA_DIR_VARIABLE, f"{path} cannot be used as a directory: {exc.strerror}") from exc
    return path


def read_or_create_secret_key(path: Path) -> str:
    """Return the secret key kept in the file, which is made with a random key on first use (mode 0600).

    The web process and the executor may both be the first. Each writes a file of its own and links it to the name;
    a link is refused if the name is taken, so both end up reading the one key that won, and never half of it.

    Raises:
        EnvError: If the file cannot be read or made, or is empty.
    """
    try:
        if not path.exists():
            _create_secret_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise EnvError(DATA_DIR_VARIABLE, f"the secret key in {path} cannot be read or made: {exc}") from exc
    if not key:
        raise EnvError(DATA_DIR_VARIABLE, f"the secret key in {path} is empty; delete the file to have a new one made")
    return key


def _create_secret_key(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret_key.")  # mkstemp gives mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_SECRET_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return  # another process was first; its key counts
    finally:
        temporary.unlink()
