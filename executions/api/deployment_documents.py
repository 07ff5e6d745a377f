"""What answers say about components and deployments.

Source:
    Obelisk reference, section 9.2; ``warnings``, and what verifying and deleting tell are ours.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from engine.deployment.spec import ComponentType
from engine.wit.extensions import ExtensionKind
from executions.api.execution_documents import Instant

Count = Annotated[int, Meta(ge=0)]


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file that a deployment file names."""

    path: str
    digest: str
    size: Count


class ComponentFileDocument(Struct, frozen=True, kw_only=True):
    """A file that a component is made of."""

    file: StoredFile
    role: Literal["binary", "source", "backtrace_source", "wit_source"]


class ComponentIdDocument(Struct, frozen=True, kw_only=True):
    """Which version of which component."""

    component_type: ComponentType
    name: str
    component_digest: str


class ParameterDocument(Struct, frozen=True, kw_only=True):
    """A parameter of a function."""

    name: str
    wit_type: str


class FunctionDetails(Struct, frozen=True, kw_only=True):
    """A function with its types."""

    ffqn: str
    parameter_types: list[ParameterDocument]
    return_type: str | None
    submittable: bool
    extension: ExtensionKind | UnsetType = UNSET


class ComponentDocument(Struct, frozen=True, kw_only=True):
    """A component of a deployment."""

    component_id: ComponentIdDocument
    files: list[ComponentFileDocument]
    imports: list[FunctionDetails] | UnsetType = UNSET
    exports: list[FunctionDetails] | UnsetType = UNSET


class TypeCount(Struct, frozen=True, kw_only=True):
    """How many components are of a kind."""

    component_type: ComponentType
    count: Count


class ComponentSummary(Struct, frozen=True, kw_only=True):
    """How many components there are."""

    components: list[TypeCount]


class DeploymentHead(Struct, frozen=True, kw_only=True):
    """What lists and single answers say about a deployment."""

    deployment_id: str
    status: Literal["inactive", "enqueued", "active"]
    digest: str
    description: str | UnsetType = UNSET
    created_at: Instant
    last_active_at: Instant | UnsetType = UNSET


class ListedDeployment(DeploymentHead, frozen=True, kw_only=True):
    """A deployment in a list, with the numbers of its executions: `pending` are due, `scheduled` are not yet."""

    locked: Count
    pending: Count
    scheduled: Count
    blocked: Count
    paused: Count
    cancelling: Count
    finished_ok: Count
    finished_error: Count
    finished_execution_failure: Count
    component_summary: ComponentSummary | UnsetType = UNSET


class DeploymentDocument(DeploymentHead, frozen=True, kw_only=True):
    """A deployment with its file, and the files that it names."""

    deployment_toml: str
    files: list[StoredFile]


class SubmittedDocument(Struct, frozen=True, kw_only=True):
    """A deployment is stored."""

    deployment_id: str
    warnings: tuple[str, ...]


class CollectedDocument(Struct, frozen=True, kw_only=True):
    """What was, or would be, deleted: deployments by id, how many files, and how many bytes those have."""

    deployments: tuple[str, ...]
    files: Count
    bytes: Count


class VerificationDocument(Struct, frozen=True, kw_only=True):
    """What stands against running a deployment: by itself, and on this machine."""

    problems: tuple[str, ...]
    unavailable: tuple[str, ...]
