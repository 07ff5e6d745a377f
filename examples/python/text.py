"""An activity: the returned value is the function's ``ok``, a raised ``Err`` its ``err``."""

from __future__ import annotations

from componentize_py_types import Err


class Text:
    """The interface ``example:py/text``."""

    def whisper(self, s: str) -> str:
        """Return ``s`` in small letters, trailing off."""
        if not s:
            raise Err("nothing to whisper")
        return s.lower() + "..."
