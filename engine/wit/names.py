"""Names of interfaces and functions: ``namespace:package/interface@version.function``.

Source:
    Obelisk 0.41, reference section 2.1 for the order of splitting and the wording of its errors. The spelling of
    each part is checked as well, because a name that no component can have is better refused where it is written
    than reported as missing where it is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.errors import NameSyntaxError
from engine.wit.structural import Structural

EXT_SUFFIX = "-obelisk-ext"
SCHEDULE_SUFFIX = "-obelisk-schedule"
STUB_SUFFIX = "-obelisk-stub"
EXTENSION_SUFFIXES = (EXT_SUFFIX, SCHEDULE_SUFFIX, STUB_SUFFIX)
"""Ends of the names of packages that the engine generates; no component may export one."""

CANCELLABLE_SUFFIX = "-cancellable"
"""End of the name of a workflow function whose executions may be cancelled."""

RESERVED_NAMESPACES = frozenset({"obelisk", "wasi"})
"""Namespaces of host interfaces; what a component exports there is never offered to others."""

_KEBAB_NAME = re.compile(r"([a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(-([0-9a-z]+|[0-9A-Z]+))*")
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_MAX_LENGTH = 1024
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class InterfaceName(Structural):
    """The name of an interface.

    Args:
        namespace: Part before the colon.
        package: Name of the package within the namespace.
        interface: Name of the interface within the package.
        version: Version of the package, such as ``0.2.0``.
    """

    namespace: str
    package: str
    interface: str
    version: str | None = None

    __hash__ = Structural.__hash__

    @classmethod
    def parse(cls, text: str) -> InterfaceName:
        """Read ``namespace:package/interface`` or ``namespace:package/interface@version``.

        Raises:
            NameSyntaxError: If a part is missing or misspelt; the message says which.
        """
        return _parse_interface(text)

    def __str__(self) -> str:
        """Return the name as it is written in WIT."""
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.namespace}:{self.package}/{self.interface}{version}"

    @property
    def package_name(self) -> str:
        """The package's own name, ``namespace:package`` or ``namespace:package@version``."""
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.namespace}:{self.package}{version}"

    @property
    def extension_suffix(self) -> str | None:
        """The suffix that makes this an interface of an extension package, or ``None``."""
        return next((suffix for suffix in EXTENSION_SUFFIXES if self.package.endswith(suffix)), None)

    @property
    def is_extension(self) -> bool:
        """Whether the interface belongs to a package that the engine generates."""
        return self.extension_suffix is not None

    @property
    def is_reserved(self) -> bool:
        """Whether the interface belongs to the host."""
        return is_reserved_namespace(self.namespace)

    def with_package_suffix(self, suffix: str) -> InterfaceName:
        """Return the interface of the same name and version in the sibling package ``package + suffix``."""
        return replace(self, package=self.package + suffix)

    def without_extension_suffix(self) -> InterfaceName:
        """Return the interface that this one extends; itself if it is no extension."""
        suffix = self.extension_suffix
        return self if suffix is None else replace(self, package=self.package.removesuffix(suffix))


@dataclass(frozen=True, slots=True)
class FunctionName(Structural):
    """The fully qualified name of a function (FFQN)."""

    interface: InterfaceName
    function: str

    __hash__ = Structural.__hash__

    @classmethod
    def parse(cls, text: str) -> FunctionName:
        """Read ``<interface>.<function>``, split at the last dot since a version contains dots.

        Raises:
            NameSyntaxError: If a part is missing or misspelt; the message says which.
        """
        return _parse_function(text)

    @classmethod
    def of(cls, interface_name: str, function_name: str) -> FunctionName:
        """Make a name of the two strings that components pass in Obelisk's WIT record ``function``.

        Raises:
            NameSyntaxError: If a part is missing or misspelt; the message says which.
        """
        if "." in function_name:
            raise NameSyntaxError(f"cannot parse function name {_shown(function_name)}: it must not contain `.`")
        _check_kebab(function_name, what="function name", whole=function_name)
        return cls(_parse_interface(interface_name), function_name)

    def __str__(self) -> str:
        """Return the name as API clients and deployment files write it."""
        return f"{self.interface}.{self.function}"

    @property
    def is_cancellable(self) -> bool:
        """Whether the name marks a cancellable workflow."""
        return self.function.endswith(CANCELLABLE_SUFFIX)


def is_reserved_namespace(namespace: str) -> bool:
    """Tell whether a namespace belongs to host interfaces."""
    return namespace in RESERVED_NAMESPACES


def is_kebab_name(text: str) -> bool:
    """Tell whether WIT allows a text as the name of a type, field, case, parameter or function."""
    return _KEBAB_NAME.fullmatch(text) is not None


def snake_name(kebab: str) -> str:
    """Return a WIT name as it is spelt in JSON."""
    return kebab.replace("-", "_")


def kebab_name(snake: str) -> str:
    """Return a name spelt as in JSON or Python as it is spelt in WIT."""
    return snake.replace("_", "-")


@lru_cache(maxsize=4096)
def _parse_function(text: str) -> FunctionName:
    _check_length(text)
    interface, dot, function = text.rpartition(".")
    if not dot:
        raise NameSyntaxError(
            f"cannot parse function {_shown(text)}: missing function separator `.`; "
            "write namespace:package/interface.function"
        )
    if not function:
        raise NameSyntaxError(f"cannot parse function {_shown(text)}: function name is empty")
    parsed = _parse_interface(interface)
    _check_kebab(function, what="function name", whole=text)
    return FunctionName(parsed, function)


@lru_cache(maxsize=4096)
def _parse_interface(text: str) -> InterfaceName:
    _check_length(text)

    def refusal(problem: str) -> NameSyntaxError:
        return NameSyntaxError(
            f"cannot parse interface {_shown(text)}: {problem}; write namespace:package/interface or "
            "namespace:package/interface@version"
        )

    namespace, colon, rest = text.partition(":")
    if not colon:
        raise refusal("missing namespace separator `:`")
    if not namespace:
        raise refusal("namespace is empty")
    path, at, version = rest.partition("@")
    if at and not version:
        raise refusal("version is empty")
    package, slash, interface = path.partition("/")
    if not slash:
        raise refusal("missing package/ifc separator `/`")
    if not package:
        raise refusal("package name is empty")
    if not interface:
        raise refusal("ifc name is empty")
    for what, part in (("namespace", namespace), ("package name", package)):
        _check_kebab(part, what=what, whole=text)
        if part != part.lower():
            raise refusal(f"{what} `{_cut(part)}` must be in lower case")
    _check_kebab(interface, what="ifc name", whole=text)
    if at and _VERSION.fullmatch(version) is None:
        raise refusal(f"version `{_cut(version)}` is not of the form 1.2.3")
    return InterfaceName(namespace, package, interface, version if at else None)


def _check_length(text: str) -> None:
    # Names come from clients and guests, and parsed ones are kept in a cache.
    if len(text) > _MAX_LENGTH:
        raise NameSyntaxError(f"cannot parse {_shown(text)}: longer than {_MAX_LENGTH} characters")


def _check_kebab(part: str, *, what: str, whole: str) -> None:
    if is_kebab_name(part):
        return
    remedy = kebab_name(part)
    hint = f"; write `{_cut(remedy)}`" if is_kebab_name(remedy) else ""
    raise NameSyntaxError(
        f"cannot parse {_shown(whole)}: {what} `{_cut(part)}` is not kebab-case "
        f"(letters and digits in words joined by `-`){hint}"
    )


def _shown(text: str) -> str:
    return f"`{_cut(text)}`"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
