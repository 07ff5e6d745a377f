"""The deployment file: ``deployment.toml`` as typed entries, and the files it names."""

from __future__ import annotations

from components.manifest.entries import (
    ActivityEntry,
    BinaryEntry,
    ComponentEntry,
    CronEntry,
    DeclaredActivityEntry,
    DeclaredFunction,
    Entry,
    EnvVar,
    FileReference,
    FunctionPolicy,
    HostRule,
    InlineSource,
    Instances,
    JavaScriptEntry,
    Manifest,
    NamedFunction,
    ProcessEntry,
    PythonEntry,
    PythonWebhookEntry,
    WebhookEntry,
    WorkflowEntry,
)
from components.manifest.files import DeploymentFolder
from components.manifest.parsing import parse_manifest

__all__ = [
    "ActivityEntry",
    "BinaryEntry",
    "ComponentEntry",
    "CronEntry",
    "DeclaredActivityEntry",
    "DeclaredFunction",
    "DeploymentFolder",
    "Entry",
    "EnvVar",
    "FileReference",
    "FunctionPolicy",
    "HostRule",
    "InlineSource",
    "Instances",
    "JavaScriptEntry",
    "Manifest",
    "NamedFunction",
    "ProcessEntry",
    "PythonEntry",
    "PythonWebhookEntry",
    "WebhookEntry",
    "WorkflowEntry",
    "parse_manifest",
]
