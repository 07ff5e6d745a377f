"""Labels: what whoever starts an execution attaches to it, for people and programs to find it by.

They stand in the metadata of its creation, and its own children do not inherit them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import ValueMismatch
from engine.log.events import Metadata

LABEL_PREFIX = "label:"
"""What the key of a label in the metadata begins with; its name follows."""

MAX_LABELS = 32
MAX_NAME_CHARACTERS = 63
MAX_VALUE_CHARACTERS = 256

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_SHOWN = 70


def label_metadata(labels: Mapping[str, object]) -> Metadata:
    """Return labels as they stand in the metadata of a creation, in the order given.

    Args:
        labels: Values by name, from anywhere.

    Raises:
        ValueMismatch: If there are too many, or one of them breaks the rules; says which.
    """
    if len(labels) > MAX_LABELS:
        raise ValueMismatch("labels", f"at most {MAX_LABELS} of them, got {len(labels)}")
    return tuple((f"{LABEL_PREFIX}{_name(name)}", _value(name, value)) for name, value in labels.items())


def labels_of(metadata: Metadata) -> dict[str, str]:
    """Return the labels of an execution from the metadata of its creation."""
    return {key[len(LABEL_PREFIX) :]: value for key, value in metadata if key.startswith(LABEL_PREFIX)}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise ValueMismatch("labels", f"a name must be a string, got {_shown(name)}")
    if len(name) > MAX_NAME_CHARACTERS:
        raise ValueMismatch(
            "labels", f"the name {_shown(name)} has {len(name)} characters; the most is {MAX_NAME_CHARACTERS}"
        )
    if not _NAME.fullmatch(name):
        raise ValueMismatch(
            "labels",
            f"the name {_shown(name)} is not allowed; use lower-case letters, digits, and - _ . behind the first",
        )
    return name


def _value(name: str, value: object) -> str:
    path = f"labels.{name}"
    if not isinstance(value, str):
        raise ValueMismatch(path, f"expected a string, got {_shown(value)}")
    if len(value) > MAX_VALUE_CHARACTERS:
        raise ValueMismatch(path, f"the value has {len(value)} characters; the most is {MAX_VALUE_CHARACTERS}")
    if "\0" in value or not _is_unicode(value):
        raise ValueMismatch(path, "the value contains a NUL character or half of a surrogate pair")
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
