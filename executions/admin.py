"""Models of executions that the admin shows as they are; the console shows the executions themselves."""

from __future__ import annotations

from django.contrib import admin

from components.read_only_admin import ReadOnlyAdmin
from executions.models import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens of the API; `manage.py token` makes and revokes them."""

    list_display = ("name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    exclude = ("digest",)
