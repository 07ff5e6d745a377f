"""Whether the operator lets a component run its native program."""

from __future__ import annotations

from collections.abc import Mapping


def program_problem(name: str, digest: str | None, allowed: Mapping[str, str] | None) -> str | None:
    """Return why a native program may not be run, or ``None`` if it may.

    Args:
        name: The component's name.
        digest: Content digest of its program.
        allowed: Digests of the programs that may be run, by component name; ``None`` allows every one.

    Source:
        Obelisk reference, section 1.4 (``allow_exec_activities``).
    """
    if allowed is None:
        return None
    if name not in allowed:
        return (
            "it is a native program, which runs outside the sandbox and needs the operator's leave; add "
            f'allow_exec_activities."{name}" = "{digest}" to the file that OBELISK_SERVER_CONFIG names'
        )
    if allowed[name] != digest:
        return f"the operator allows a program of the digest {allowed[name]}, and this one has {digest}"
    return None
