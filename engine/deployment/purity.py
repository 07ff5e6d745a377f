"""Which components can have an effect outside the sandbox.

Source:
    Design, output commit: durability is owed before anything leaves the sandbox, not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.deployment.spec import AllowedHost
from engine.wit.names import InterfaceName

_HTTP_PACKAGE = "http"
_RECORDED_OBELISK_PACKAGES = frozenset({"log", "types", "webhook", "workflow"})
_HARMLESS_WASI_PACKAGES = frozenset({"cli", "clocks", "filesystem", "io", "random", "sockets"})
"""What the sandbox offers without a way out: no directory is opened and no address allowed, and what a guest prints or
reads of clock and entropy is part of the run, which nobody sees when it is run again."""


def may_touch_world(imports: Iterable[InterfaceName], allowed_hosts: Sequence[AllowedHost]) -> bool:
    """Tell whether a run of a component can have an effect that a second run would repeat.

    Obelisk's interfaces and the functions of other components are calls that the engine records. Outgoing HTTP counts
    if any rule lets a request through, and so does any other interface of ours, by which a guest runtime may offer HTTP
    to source code. Whatever is not known to be harmless counts as well.

    Args:
        imports: Interfaces that the component imports.
        allowed_hosts: Where it may send HTTP requests.
    """
    may_send = any(rule.methods is None or rule.methods for rule in allowed_hosts)
    for interface in imports:
        match interface.namespace, interface.package:
            case "obelisk", package:
                counts = may_send and package not in _RECORDED_OBELISK_PACKAGES
            case "wasi", package if package not in _HARMLESS_WASI_PACKAGES:
                counts = may_send or package != _HTTP_PACKAGE
            case _:
                counts = False
        if counts:
            return True
    return False
