"""Codecs of classes: records, variants, enums and flags."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from obelisk.codecs import Codec, Mismatch, shown
from obelisk.names import json_key


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Args:
        name: Its name in Python.
        wit: Its name in WIT.
        codec: Of its values.
        is_optional: Whether values written before the field existed may lack it: Python has a default for it.
    """

    name: str
    wit: str
    codec: Codec
    is_optional: bool

    @property
    def key(self) -> str:
        """Its name in JSON."""
        return json_key(self.wit)


def record_codec(cls: type, fields: list[Field]) -> Codec:
    """Return the codec of a dataclass or named tuple."""
    encoders = [(field.key, field.name, field.codec.encode) for field in fields]
    decode = _record_decoder(fields, lambda values: cls(**values))

    def encode(value: object) -> dict[str, Any]:
        if not isinstance(value, cls):
            raise Mismatch(f"expected {cls.__name__}, got {shown(value)}")
        encoded: dict[str, Any] = {}
        name = ""
        try:
            for key, name, encode_field in encoders:
                encoded[key] = encode_field(getattr(value, name))
        except Mismatch as mismatch:
            mismatch.steps.append(f".{name}")
            raise
        return encoded

    return Codec(_record_wit(fields), encode, decode)


def typed_dict_codec(cls: type, fields: list[Field], *, optional: frozenset[str]) -> Codec:
    """Return the codec of a ``TypedDict``.

    Args:
        cls: The class.
        fields: Its keys; those that may be missing have a codec of an option.
        optional: Keys that may be missing.
    """
    names = {field.name for field in fields}

    def encode(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Mismatch(f"expected {cls.__name__}, got {shown(value)}")
        if unknown := [name for name in value if name not in names]:
            raise Mismatch(f"{cls.__name__} has no key {shown(unknown[0])}")
        encoded: dict[str, Any] = {}
        for field in fields:
            if field.name not in value and field.name not in optional:
                raise Mismatch(f"{cls.__name__} needs the key {field.name!r}")
            try:
                encoded[field.key] = field.codec.encode(value.get(field.name))
            except Mismatch as mismatch:
                mismatch.steps.append(f"[{field.name!r}]")
                raise
        return encoded

    def build(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value is not None or name not in optional}

    # What may be missing is an option there, which the host fills in.
    wit = _record_wit([replace(field, is_optional=False) for field in fields])
    return Codec(wit, encode, _record_decoder(fields, build))


def _record_decoder(fields: list[Field], build: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    decoders = [(field.key, field.name, field.codec.decode, field.is_optional) for field in fields]

    def decode(data: dict[str, Any]) -> Any:
        values: dict[str, Any] = {}
        name = ""
        try:
            for key, name, decode_field, is_optional in decoders:
                if key in data:
                    values[name] = decode_field(data[key])
                elif not is_optional:
                    raise Mismatch("is missing")
        except Mismatch as mismatch:
            mismatch.steps.append(f".{name}")
            raise
        return build(values)

    return decode


def _record_wit(fields: list[Field]) -> str:
    # Every name is escaped, as any of them may be a keyword.
    texts = [f"%{field.wit}{'?' if field.is_optional else ''}: {field.codec.wit}" for field in fields]
    return f"record {{ {', '.join(texts)} }}"


@dataclass(frozen=True, slots=True)
class VariantCase:
    """One class of a union.

    Args:
        cls: The class.
        wit: Its case in WIT.
        codec: Of its fields; ``None`` if it has none.
    """

    cls: type
    wit: str
    codec: Codec | None


def variant_codec(cases: list[VariantCase]) -> Codec:
    """Return the codec of a union of dataclasses."""
    by_class = {case.cls: (json_key(case.wit), None if case.codec is None else case.codec.encode) for case in cases}
    by_key = {json_key(case.wit): case for case in cases}
    expected = " or ".join(case.cls.__name__ for case in cases)

    def encode(value: object) -> Any:
        found = by_class.get(type(value))
        if found is None:
            raise Mismatch(f"expected {expected}, got {shown(value)}")
        key, encode_payload = found
        return key if encode_payload is None else {key: encode_payload(value)}

    def decode(data: Any) -> Any:
        if isinstance(data, str):
            return by_key[data].cls()
        ((key, payload),) = data.items()
        codec = by_key[key].codec
        assert codec is not None
        return codec.decode(payload)

    texts = [f"%{case.wit}" if case.codec is None else f"%{case.wit}({case.codec.wit})" for case in cases]
    return Codec(f"variant {{ {', '.join(texts)} }}", encode, decode)


def enum_codec(cls: type[enum.Enum], names: Mapping[str, str]) -> Codec:
    """Return the codec of an enum, whose values are not used; ``names`` has the WIT name of every member."""
    keys = {name: json_key(wit) for name, wit in names.items()}
    members = {key: cls[name] for name, key in keys.items()}

    def encode(value: object) -> str:
        if not isinstance(value, cls):
            raise Mismatch(f"expected {cls.__name__}, got {shown(value)}")
        return keys[value.name]

    return Codec(_names_wit("enum", names), encode, members.__getitem__)


def flags_codec(cls: type[enum.Flag], names: Mapping[str, str]) -> Codec:
    """Return the codec of flags; ``names`` has the WIT name of every single flag."""
    members = {json_key(wit): cls[name] for name, wit in names.items()}

    def encode(value: object) -> list[str]:
        if not isinstance(value, cls):
            raise Mismatch(f"expected {cls.__name__}, got {shown(value)}")
        return [key for key, member in members.items() if member in value]

    def decode(data: list[str]) -> enum.Flag:
        value = cls(0)
        for key in data:
            value |= members[key]
        return value

    return Codec(_names_wit("flags", names), encode, decode)


def literal_codec(names: Mapping[str, str]) -> Codec:
    """Return the codec of ``Literal["a", "b"]``; ``names`` has the WIT name of every string."""
    keys = {text: json_key(wit) for text, wit in names.items()}
    texts = {key: text for text, key in keys.items()}
    expected = " or ".join(map(repr, keys))

    def encode(value: object) -> str:
        found = keys.get(value) if isinstance(value, str) else None
        if found is None:
            raise Mismatch(f"expected {expected}, got {shown(value)}")
        return found

    return Codec(_names_wit("enum", names), encode, texts.__getitem__)


def _names_wit(kind: str, names: Mapping[str, str]) -> str:
    return f"{kind} {{ {', '.join(f'%{wit}' for wit in names.values())} }}"
