"""What is deployed, in the admin. Read only: deploying goes through `components.services`."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from components.models import Component, Deployment, Function


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # the theme has no types
    """Shows rows and changes none."""

    def has_add_permission(self, _request: HttpRequest, _obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: models.Model | None = None) -> bool:
        """Refuse."""
        return False


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """Deployments, the active one first."""

    list_display = ("deployment_id", "status", "description", "created_at", "last_active_at")
    list_filter = ("status",)
    ordering = ("status", "-created_at")


@admin.register(Component)
class ComponentAdmin(ReadOnlyAdmin):
    """Components of all deployments."""

    list_display = ("name", "component_type", "short_digest", "deployment")
    list_filter = ("component_type", "deployment__status")
    search_fields = ("name", "digest")

    @admin.display(description="digest")
    def short_digest(self, component: Component) -> str:
        """Return as much of the digest as people compare."""
        return component.digest[:19]


@admin.register(Function)
class FunctionAdmin(ReadOnlyAdmin):
    """Functions of all deployments."""

    list_display = ("ffqn", "kind", "component", "return_type", "submittable")
    list_filter = ("kind", "component__deployment__status")
    search_fields = ("ffqn",)
