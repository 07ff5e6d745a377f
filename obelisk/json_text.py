"""JSON text for the host and from it: the fast path of the library, without what only other callers need.

The library's own entry points make an encoder for every text and look for white space around it, which takes longer
than the short texts of a durable call themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from typing import Any

_slow = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # not in the type stubs


def _make_dump() -> Callable[[Any], str]:
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:
        return _slow.encode
    # Without the search for cycles: codecs make new data.
    sort_keys = skip_keys = allow_nan = False
    chunks = make(None, _slow.default, encoder.encode_basestring, None, ":", ",", sort_keys, skip_keys, allow_nan)

    def dump(data: Any) -> str:
        return "".join(chunks(data, 0))

    return dump


dump = _make_dump()
"""Return JSON data as compact text; floats must be finite."""


def load(text: str) -> Any:
    """Return the data of a text that begins with its value and is known to be JSON."""
    return _scan(text, 0)[0]
