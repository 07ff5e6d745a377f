"""What is and was deployed: deployments, their components and functions, and the files they are made of.

Rows of a deployment are written once, by `components.services.deploy`; afterwards only its status changes, and it is
deleted only if no execution needs it. So an execution that names a deployment can always be explained by it.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from engine.deployment.spec import ComponentType, Runner

_DIGEST_LENGTH = len("sha256:") + 64
_DEPLOYMENT_ID_LENGTH = len("Dep_") + 26


class Blob(models.Model):
    """The content of one file, stored once however many deployments use it.

    File names are left out on purpose: they belong to who refers to the content.
    """

    digest = models.CharField(primary_key=True, max_length=_DIGEST_LENGTH)
    """``sha256:`` and 64 lower-case hex digits over ``content``."""
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    """Length of ``content`` in bytes, so that lists need not load it."""
    wanted_at = models.DateTimeField(default=timezone.now)
    """When a deployment that is made of it was stored last; see `components.unused_files`."""

    def __str__(self) -> str:
        return self.digest


class FileRole(models.TextChoices):
    """What a file is to the component that it belongs to."""

    BINARY = "binary"
    SOURCE = "source"
    BACKTRACE_SOURCE = "backtrace_source"
    WIT_SOURCE = "wit_source"


class DeploymentStatus(models.TextChoices):
    """What a deployment is to the executors."""

    INACTIVE = "inactive"
    ENQUEUED = "enqueued"
    """Becomes active when the server starts next."""
    ACTIVE = "active"


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    """Questions about deployments."""

    def active(self) -> DeploymentQuerySet:
        """The deployment whose components executors run: one or none."""
        return self.filter(status=DeploymentStatus.ACTIVE)

    def enqueued(self) -> DeploymentQuerySet:
        """The deployment that the next start of the server activates: one or none."""
        return self.filter(status=DeploymentStatus.ENQUEUED)

    def formerly_active(self) -> DeploymentQuerySet:
        """Those that were active and are not, the last one first."""
        inactive = self.exclude(status=DeploymentStatus.ACTIVE).filter(last_active_at__isnull=False)
        return inactive.order_by("-last_active_at", "-created_at")

    def newest_first(self) -> DeploymentQuerySet:
        """In the order of lists."""
        return self.order_by("-created_at", "-deployment_id")


class Deployment(models.Model):
    """One deployment file that passed verification, with the components it was made of at that moment.

    Once stored, a deployment does not depend on the folder it came from.
    """

    deployment_id = models.CharField(primary_key=True, max_length=_DEPLOYMENT_ID_LENGTH)
    """``Dep_`` and a ULID."""
    status = models.CharField(max_length=16, choices=DeploymentStatus, default=DeploymentStatus.INACTIVE)
    toml = models.TextField()
    """The deployment file, verbatim."""
    digest = models.CharField(max_length=_DIGEST_LENGTH)
    """Digest of ``toml``; two deployments may share it, for the files it names may differ."""
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_active_at = models.DateTimeField(null=True, blank=True)
    """When it was last made active; null if it never was."""

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        constraints = [
            # Executors and clients ask for *the* active deployment; the index also answers them.
            models.UniqueConstraint(
                fields=["status"], condition=Q(status=DeploymentStatus.ACTIVE), name="at_most_one_active_deployment"
            ),
            # The next start activates *the* enqueued deployment.
            models.UniqueConstraint(
                fields=["status"], condition=Q(status=DeploymentStatus.ENQUEUED), name="at_most_one_enqueued_deployment"
            ),
            models.CheckConstraint(condition=Q(status__in=DeploymentStatus.values), name="deployment_status_is_known"),
            # What is active has become so at some time.
            models.CheckConstraint(
                condition=~Q(status=DeploymentStatus.ACTIVE) | Q(last_active_at__isnull=False),
                name="active_deployment_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} ({self.status})"


class Component(models.Model):
    """One component of one deployment: its identity, its configuration, and what it imports and exports.

    A component that two deployments have in common is two rows, for its configuration may differ; the binary is one
    blob.
    """

    id = models.BigAutoField(primary_key=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="components")
    position = models.PositiveIntegerField()
    """Place in the deployment file, from 0."""
    name = models.CharField(max_length=255)
    component_type = models.CharField(max_length=32)
    """A `ComponentType`: what ids, events and clients call its kind."""
    digest = models.CharField(max_length=_DIGEST_LENGTH)
    """Identity of what the component does; configuration is not part of it."""
    runner = models.CharField(max_length=16)
    """A `Runner`: what carries out its functions."""
    wasm = models.ForeignKey(Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="components")
    """The binary, or that of the interpreter; null for functions declared in the deployment file."""
    artefact = models.ForeignKey(
        Blob, null=True, blank=True, on_delete=models.PROTECT, related_name="source_components"
    )
    """What the interpreter made of the source; null for components that are binaries."""
    config = models.JSONField()
    """Policies and sandbox, see `components.config_codec`."""
    imports = models.JSONField()
    """Imported interfaces, see `components.interface_codec`."""
    exports = models.JSONField()
    """Exported interfaces, see `components.interface_codec`; also those that are offered to nobody."""

    class Meta:
        constraints = [
            # People and clients name a component by its name within a deployment.
            models.UniqueConstraint(fields=["deployment", "name"], name="component_name_is_unique_in_deployment"),
            # Lists keep the order of the deployment file; the index serves it.
            models.UniqueConstraint(fields=["deployment", "position"], name="component_position_is_unique"),
            models.CheckConstraint(
                condition=Q(component_type__in=[member.value for member in ComponentType]),
                name="component_type_is_known",
            ),
            models.CheckConstraint(
                condition=Q(runner__in=[member.value for member in Runner]), name="component_runner_is_known"
            ),
            # The sandbox cannot run what has no binary.
            models.CheckConstraint(
                condition=~Q(runner=Runner.WASM.value) | Q(wasm__isnull=False), name="wasm_component_has_a_binary"
            ),
            # An interpreter without source has nothing to do, nor has source without an interpreter.
            models.CheckConstraint(
                condition=~Q(runner=Runner.SOURCE.value) | Q(wasm__isnull=False, artefact__isnull=False),
                name="source_component_has_an_interpreter",
            ),
        ]
        indexes = [
            # Which deployments have a version of a component: for executions that it ran, and for its page.
            models.Index(fields=["digest"], name="component_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.component_type}:{self.name}"


class ComponentFileQuerySet(models.QuerySet["ComponentFile"]):
    """Questions about files."""

    def of_deployment(self, deployment_id: str) -> ComponentFileQuerySet:
        """The files of a deployment, in the order of its components."""
        return (
            self.filter(component__deployment=deployment_id)
            .select_related("blob")
            .defer("blob__content")
            .order_by("component__position", "id")
        )


class ComponentFile(models.Model):
    """A file that a component was made of, under the name that its deployment file has for it."""

    id = models.BigAutoField(primary_key=True)
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="files")
    path = models.TextField()
    """Relative to the deployment file."""
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="named_by")
    role = models.CharField(max_length=16)
    """A `FileRole`."""

    objects = ComponentFileQuerySet.as_manager()

    class Meta:
        constraints = [
            # Its source and its binary may be one file, but not twice for one purpose.
            models.UniqueConstraint(fields=["component", "path", "role"], name="component_file_is_named_once"),
            models.CheckConstraint(condition=Q(role__in=[role.value for role in FileRole]), name="file_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.path


class FunctionKind(models.TextChoices):
    """What a function is to who calls it."""

    ACTIVITY = "activity"
    ACTIVITY_EXTERNAL = "activity_external"
    ACTIVITY_STUB = "activity_stub"
    WORKFLOW = "workflow"


class FunctionQuerySet(models.QuerySet["Function"]):
    """Questions about functions."""

    def deployed(self) -> FunctionQuerySet:
        """Functions of the active deployment, in the order of the deployment file and the component."""
        active = self.filter(component__deployment__status=DeploymentStatus.ACTIVE)
        return active.select_related("component").order_by("component__position", "position")


class Function(models.Model):
    """One primary function that a component exports.

    The generated companions (submit, await-next, get, schedule, stub) are left out on purpose: they follow from
    these rows.
    """

    id = models.BigAutoField(primary_key=True)
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="functions")
    position = models.PositiveIntegerField()
    """Place in the component's declaration, from 0."""
    ffqn = models.CharField(max_length=1024)
    """``namespace:package/interface@version.function``."""
    kind = models.CharField(max_length=32, choices=FunctionKind)
    params = models.JSONField()
    """List of ``{"name", "wit_type"}``, in order."""
    return_type = models.TextField()
    """Its type expression."""
    submittable = models.BooleanField()
    """Whether people and clients may start it."""

    objects = FunctionQuerySet.as_manager()

    class Meta:
        constraints = [
            # A component exports a function once.
            models.UniqueConstraint(fields=["component", "ffqn"], name="function_is_exported_once"),
            # Lists keep the order of declaration; the index serves it.
            models.UniqueConstraint(fields=["component", "position"], name="function_position_is_unique"),
            models.CheckConstraint(condition=Q(kind__in=FunctionKind.values), name="function_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.ffqn


class SwitchKind(models.TextChoices):
    """What was decided about a deployment."""

    ACTIVATED = "activated"
    ENQUEUED = "enqueued"


class DeploymentSwitchQuerySet(models.QuerySet["DeploymentSwitch"]):
    """Questions about decisions."""

    def newest_of(self, deployment_id: str, *, limit: int) -> list[DeploymentSwitch]:
        """Return the last decisions for a deployment, newest first."""
        return list(self.filter(deployment_id=deployment_id).order_by("-pk")[:limit])


class DeploymentSwitch(models.Model):
    """One decision on which deployment is run, and whose it was.

    Written in the transaction of the change (`components.switching`). No foreign key: who chose what is to be known
    when the deployment is not kept any more.
    """

    id = models.BigAutoField(primary_key=True)
    deployment_id = models.CharField(max_length=_DEPLOYMENT_ID_LENGTH)
    kind = models.CharField(max_length=16, choices=SwitchKind)
    replaced = models.CharField(max_length=_DEPLOYMENT_ID_LENGTH, blank=True)
    """The deployment that was active at that moment; empty if none was."""
    actor = models.TextField(blank=True)
    """Who: as `executions.models.OperationRecord.actor`; empty if it was this program."""
    reason = models.TextField(blank=True)
    """Why, in their words."""
    approved = models.JSONField(default=list)
    """What the deployment newly asked for and they approved, one sentence each."""
    at = models.DateTimeField()

    objects = DeploymentSwitchQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SwitchKind.values), name="switch_kind_is_known"),
        ]
        indexes = [
            # The decisions for one deployment, newest first.
            models.Index(fields=["deployment_id", "id"], name="switch_of_deployment"),
        ]

    def __str__(self) -> str:
        return f"{self.deployment_id} {self.kind} by {self.actor}"
