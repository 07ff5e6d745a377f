"""A deployment that was read, compiled, described and verified, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from components.config_codec import ComponentConfig
from components.interface_codec import Interfaces
from components.manifest import Manifest
from components.models import FileRole
from engine.deployment.spec import ComponentSpec, CronSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that a component is made of.

    Args:
        path: Relative to the deployment file.
        digest: Of its content.
        role: What it is for.
    """

    path: str
    digest: str
    role: FileRole


class Origin(StrEnum):
    """Where the machine code of a component came from."""

    COMPILED = "compiled"
    CACHED = "cached"
    DECLARED = "declared"
    """There is no binary: the deployment file declares the function."""
    READ = "read"
    """There is no binary of its own: an interpreter read its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedComponent:
    """One component, ready to be stored.

    Args:
        spec: What the engine needs to know of it.
        config: What the deployment file says about it.
        exports: All it exports, also what is offered to nobody.
        origin: Where its machine code came from.
        seconds: How long it took to have it.
        files: What it was made of, apart from what stands in the deployment file itself.
    """

    spec: ComponentSpec
    config: ComponentConfig
    exports: Interfaces
    origin: Origin
    seconds: float
    files: tuple[NamedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedDeployment:
    """A deployment that passed verification.

    Args:
        manifest: The deployment file.
        digest: Digest of its text.
        components: In the order of the deployment file.
        crons: What is started by the clock, in that order.
        files: Content of every file it refers to, by digest.
        runtimes: Binaries of the interpreters it needs that were built on this machine, by digest.
        warnings: What may not be as it was meant, a sentence each.
    """

    manifest: Manifest
    digest: str
    components: tuple[PreparedComponent, ...]
    crons: tuple[CronSpec, ...]
    files: Mapping[str, bytes]
    runtimes: Mapping[str, Path]
    warnings: tuple[str, ...]
