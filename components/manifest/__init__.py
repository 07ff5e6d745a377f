"""The deployment file: ``deployment.toml`` as typed entries, and the files it names."""

from __future__ import annotations

from components.manifest.entries import (
    ActivityEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    Entry,
    EnvVar,
    FileReference,
    HostRule,
    Manifest,
    WorkflowEntry,
)
from components.manifest.files import DeploymentFolder
from components.manifest.parsing import parse_manifest

__all__ = [
    "ActivityEntry",
    "DeclaredActivityEntry",
    "DeclaredFunction",
    "DeploymentFolder",
    "Entry",
    "EnvVar",
    "FileReference",
    "HostRule",
    "Manifest",
    "WorkflowEntry",
    "parse_manifest",
]
