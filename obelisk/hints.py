"""From type hints to codecs and WIT types, with a sentence for every hint that says too little."""

from __future__ import annotations

import builtins
import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from obelisk.classes import (
    Field,
    VariantCase,
    enum_codec,
    flags_codec,
    literal_codec,
    record_codec,
    typed_dict_codec,
    variant_codec,
)
from obelisk.codecs import (
    CHAR,
    F32,
    JSON,
    PLAIN,
    Codec,
    dict_codec,
    int_codec,
    list_codec,
    option_codec,
    tuple_codec,
)
from obelisk.errors import Refused
from obelisk.names import wit_name, wit_names
from obelisk.scalars import INT, IntMark, ScalarMark

_MARKS = {"f32": F32, "char": CHAR, "json": JSON}
_PARTS = {list: "list[str]", tuple: "tuple[str, int]", dict: "dict[str, int]"}
_SETS = (set, frozenset)
_MAX_FLAGS = 32

TypeVars = Mapping[Any, Any]
"""What the type variables of a generic class stand for."""


class HintReader:
    """Reads the hints of one function; classes it has met are read once."""

    def __init__(self) -> None:
        self._inside: list[type] = []

    def read(self, hint: Any, place: str, typevars: TypeVars | None = None) -> Codec:
        """Return the codec of a hint.

        Args:
            hint: The hint, evaluated.
            place: Where it stands, such as ``greet(name)``.
            typevars: What type variables stand for here.

        Raises:
            Refused: If the hint has no WIT type; says why and what to write instead.
        """
        known: TypeVars = typevars or {}
        if isinstance(hint, TypeVar):
            if hint not in known:
                raise Refused(f"{place}: {hint} stands for any type; write a concrete one")
            return self.read(known[hint], place)
        if type(hint).__name__ == "TypeAliasType":
            return self.read(hint.__value__, place, known)
        if hasattr(hint, "__supertype__"):
            return self.read(hint.__supertype__, place, known)
        if hint is Any or hint is object:
            raise Refused(
                f"{place}: {'Any' if hint is Any else 'object'} says nothing about the value; "
                "name the type, or use obelisk.Json for free-form data"
            )
        if hint is None or hint is type(None):
            raise Refused(f"{place}: None is a type of its own only as a result; write X | None, or leave it out")
        origin = get_origin(hint)
        if origin is None:
            return self._read_class(hint, place, known)
        return self._read_composed(hint, origin, place, known)

    def _read_class(self, hint: Any, place: str, known: TypeVars) -> Codec:
        if hint is int:
            return int_codec(INT)
        if isinstance(hint, type) and hint in PLAIN:
            return PLAIN[hint]
        if hint in _PARTS:
            raise Refused(f"{place}: {hint.__name__} needs its parts, e.g. {_PARTS[hint]}")
        if hint in _SETS:
            raise Refused(f"{place}: a set has no order and cannot be recorded; use list[...]")
        if not isinstance(hint, type):
            raise Refused(f"{place}: {hint!r} has no WIT type; use a dataclass with typed fields")
        if issubclass(hint, enum.Flag):
            return self._read_flags(hint)
        if issubclass(hint, enum.Enum):
            members = [member.name for member in hint]
            if not members:
                raise Refused(f"{place}: {hint.__name__} has no members")
            return enum_codec(hint, wit_names(members, place=hint.__name__))
        if _is_record(hint):
            if getattr(hint, "__parameters__", ()) and not known:
                raise Refused(f"{place}: {hint.__name__} is generic; write {hint.__name__}[...] with concrete types")
            codec = self.record(hint, place, known)
            if codec is None:
                raise Refused(f"{place}: {hint.__name__} has no fields; it can only be a case of a union")
            return codec
        raise Refused(f"{place}: {hint.__name__} has no WIT type; use a dataclass with typed fields")

    def _read_flags(self, hint: type[enum.Flag]) -> Codec:
        members = [member.name for member in hint if member.name is not None]
        if not 1 <= len(members) <= _MAX_FLAGS:
            raise Refused(f"{hint.__name__}: has {len(members)} flags; WIT allows 1 to {_MAX_FLAGS}")
        return flags_codec(hint, wit_names(members, place=hint.__name__))

    def _read_composed(self, hint: Any, origin: Any, place: str, known: TypeVars) -> Codec:
        args = get_args(hint)
        if origin is Annotated:
            return self._read_annotated(args, place, known)
        if origin is Literal:
            return _read_literal(args, place)
        if origin in (Union, types.UnionType):
            return self._read_union(args, place, known)
        if origin is list:
            return list_codec(self.read(args[0], f"{place}[]", known))
        if origin is tuple:
            if len(args) == 2 and args[1] is Ellipsis:
                return list_codec(self.read(args[0], f"{place}[]", known), as_tuple=True)
            if not args:
                raise Refused(f"{place}: an empty tuple carries nothing; leave it out")
            return tuple_codec([self.read(item, f"{place}[{index}]", known) for index, item in enumerate(args)])
        if origin is dict:
            return dict_codec(self.read(args[0], f"{place} key", known), self.read(args[1], f"{place}[]", known))
        if origin in _SETS:
            item = getattr(args[0], "__name__", "...")
            raise Refused(f"{place}: a set has no order and cannot be recorded; use list[{item}]")
        if origin in (typing.Required, typing.NotRequired, getattr(typing, "ReadOnly", None)):
            return self.read(args[0], place, known)
        if isinstance(origin, type) and _is_record(origin):
            bound = dict(zip(origin.__parameters__, (_substituted(arg, known) for arg in args), strict=True))  # type: ignore[attr-defined]  # a generic class has them
            codec = self.record(origin, place, bound)
            if codec is None:
                raise Refused(f"{place}: {origin.__name__} has no fields; it can only be a case of a union")
            return codec
        name = getattr(origin, "__name__", repr(origin))
        raise Refused(f"{place}: {name} has no WIT type; use list, tuple or dict, or a dataclass with typed fields")

    def _read_annotated(self, args: tuple[Any, ...], place: str, known: TypeVars) -> Codec:
        for mark in args[1:]:
            if isinstance(mark, IntMark):
                return int_codec(mark)
            if isinstance(mark, ScalarMark):
                return _MARKS[mark.wit]
        return self.read(args[0], place, known)

    def _read_union(self, args: tuple[Any, ...], place: str, known: TypeVars) -> Codec:
        members = [_resolved(arg) for arg in args if arg is not type(None)]
        is_choice = len(members) > 1
        inner = self._read_variant(members, place, known) if is_choice else self.read(members[0], place, known)
        return option_codec(inner) if len(members) < len(args) else inner

    def _read_variant(self, members: list[Any], place: str, known: TypeVars) -> Codec:
        for member in members:
            if not (isinstance(member, type) and dataclasses.is_dataclass(member)):
                name = getattr(member, "__name__", repr(member))
                raise Refused(f"{place}: a union may only join dataclasses; wrap {name} in one")
        names = wit_names([member.__name__ for member in members], place=place)
        return variant_codec(
            [VariantCase(member, names[member.__name__], self.record(member, place, known)) for member in members]
        )

    def record(self, cls: type, place: str, known: TypeVars) -> Codec | None:
        """Return the codec of a class with fields; ``None`` if it has none.

        Raises:
            Refused: If a field has no WIT type.
        """
        if cls in self._inside:
            raise Refused(
                f"{place}: {cls.__name__} contains itself, and WIT types cannot; "
                "refer to the inner one by an id, or use obelisk.Json"
            )
        self._inside.append(cls)
        try:
            return self._record(cls, {**_inherited_typevars(cls, known), **known})
        finally:
            self._inside.pop()

    def _record(self, cls: type, known: TypeVars) -> Codec | None:
        hints = evaluated_hints(cls, place=cls.__name__)
        defaults = _defaults(cls)
        names = wit_names(list(defaults), place=cls.__name__)
        optional = _missing_keys(cls, hints)
        fields = []
        for name, has_default in defaults.items():
            codec = self.read(hints[name], f"{cls.__name__}.{name}", known)
            if name in optional:
                codec = option_codec(codec)
            fields.append(Field(name, names[name], codec, has_default or name in optional))
        if not fields:
            return None
        if typing.is_typeddict(cls):
            return typed_dict_codec(cls, fields, optional=optional)
        return record_codec(cls, fields)


def evaluated_hints(owner: Any, *, place: str) -> dict[str, Any]:
    """Return the hints of a class or function, string annotations evaluated.

    Raises:
        Refused: If one names what does not exist.
    """
    try:
        return _plain_hints(owner) or get_type_hints(owner, include_extras=True)
    except NameError as error:
        raise Refused(f"{place}: the type hint {error.name!r} is not defined in this file") from None
    except (TypeError, SyntaxError, AttributeError) as error:
        raise Refused(f"{place}: a type hint cannot be read: {error}") from None


def _plain_hints(owner: Any) -> dict[str, Any]:
    """Return the hints of a function that are nothing but names of classes; empty if there are others.

    `typing` compiles every name, which takes a sandbox longer than a small activity.
    """
    if not isinstance(owner, types.FunctionType) or hasattr(owner, "__wrapped__"):
        return {}
    if getattr(owner, "__type_params__", ()):
        return {}
    hints: dict[str, Any] = {}
    known = owner.__globals__
    for name, hint in owner.__annotations__.items():
        named = known.get(hint, vars(builtins).get(hint)) if isinstance(hint, str) else hint
        if hint == "None":
            named = types.NoneType
        if not isinstance(named, type):
            return {}
        hints[name] = named
    return hints


def _is_record(cls: type) -> bool:
    return (
        dataclasses.is_dataclass(cls)
        or typing.is_typeddict(cls)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
    )


def _defaults(cls: type) -> dict[str, bool]:
    """Return the names of a class's fields, and whether each has a default."""
    if dataclasses.is_dataclass(cls):
        missing = dataclasses.MISSING
        return {
            field.name: field.default is not missing or field.default_factory is not missing
            for field in dataclasses.fields(cls)
            if field.init
        }
    if typing.is_typeddict(cls):
        return dict.fromkeys(evaluated_hints(cls, place=cls.__name__), False)
    names: tuple[str, ...] = cls._fields  # type: ignore[attr-defined]  # a named tuple
    return {name: name in cls._field_defaults for name in names}  # type: ignore[attr-defined]  # as above


def _missing_keys(cls: type, hints: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of a ``TypedDict`` that may be missing."""
    if not typing.is_typeddict(cls):
        return frozenset()
    # Not __optional_keys__: that is wrong where annotations are strings.
    total = getattr(cls, "__total__", True)
    return frozenset(
        name
        for name, hint in hints.items()
        if get_origin(hint) is typing.NotRequired or (not total and get_origin(hint) is not typing.Required)
    )


def _inherited_typevars(cls: type, known: TypeVars) -> dict[Any, Any]:
    """Return what the type variables of generic bases stand for."""
    found: dict[Any, Any] = {}
    for base in getattr(cls, "__orig_bases__", ()):
        origin = get_origin(base)
        if isinstance(origin, type) and origin is not typing.Generic:
            args = [_substituted(arg, known) for arg in get_args(base)]
            bound = dict(zip(getattr(origin, "__parameters__", ()), args, strict=False))
            found.update({**_inherited_typevars(origin, bound), **bound})
    return found


def _substituted(hint: Any, known: TypeVars) -> Any:
    return known.get(hint, hint) if isinstance(hint, TypeVar) else hint


def _resolved(hint: Any) -> Any:
    return hint.__value__ if type(hint).__name__ == "TypeAliasType" else hint


def _read_literal(values: tuple[Any, ...], place: str) -> Codec:
    if not all(isinstance(value, str) for value in values):
        raise Refused(f"{place}: Literal works with strings only; for other values use an Enum")
    names: dict[str, str] = {}
    for value in values:
        wit = wit_name(value.replace("-", "_"), place=place)
        if wit in names.values():
            raise Refused(f"{place}: two names become {wit!r} in WIT; rename one of them")
        names[value] = wit
    return literal_codec(names)
