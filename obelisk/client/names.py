"""Function names as people type them."""

from __future__ import annotations

from obelisk.client.api import Api, ClientError

ABBREVIATION = ".../"
"""How a name may begin in place of namespace and package."""


def full_name(api: Api, name: str) -> str:
    """Return a function's full name; ``.../interface.function`` stands for the one deployed function that ends so.

    Raises:
        ClientError: If none does, or several do.
    """
    if not name.startswith(ABBREVIATION):
        return name
    tail = "/" + name.removeprefix(ABBREVIATION)
    # A version follows the interface: namespace:package/interface@1.0.0.function.
    fitting = [ffqn for ffqn in deployed_names(api) if ffqn.endswith(tail) or _without_version(ffqn).endswith(tail)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise ClientError(f"no deployed function ends in {tail}; `obelisk component list` shows them")
    raise ClientError(f"{name} may be {' or '.join(sorted(fitting))}; name it in full")


def deployed_names(api: Api) -> list[str]:
    """Return the full names of the functions of the active deployment."""
    return [function["ffqn"] for function in api.get("functions")]


def _without_version(ffqn: str) -> str:
    interface, _, function = ffqn.rpartition(".")
    return f"{interface.partition('@')[0]}.{function}"
