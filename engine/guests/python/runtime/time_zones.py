"""Time zones by name, from memory: the sandbox has no files to read them from."""

from __future__ import annotations

import io
import zoneinfo
from collections.abc import Mapping
from zoneinfo import _common


def install(zones: Mapping[str, bytes]) -> None:
    """Let `zoneinfo` find these zones; done once, when the runtime is built.

    Args:
        zones: What the files of the time zone database hold, by the zones' names.
    """

    def load(key: str) -> io.BytesIO:
        if key not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"there is no time zone {key!r}; a name is such as 'Europe/Rome'")
        return io.BytesIO(zones[key])

    # Asked behind the files of the system, of which there are none.
    _common.load_tzdata = load  # type: ignore[assignment]  # its own returns any binary file
    zoneinfo.available_timezones = lambda: set(zones)
