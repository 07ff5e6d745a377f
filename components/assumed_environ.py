"""An environment for looking at deployments that this machine cannot run yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class AssumedEnviron(Mapping[str, str]):
    """An environment in which every variable is set; those that really are not are empty.

    Args:
        environ: What is really set.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        return self._environ.get(name, "")

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)
