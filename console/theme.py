"""The settings of django-unfold, the theme: menu, names and files.

Colours are in ``static/console/colors.css``: the theme would write them into every page as a style, which the content
policy forbids.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

from executions.access.scopes import Scope


def _file(path: str) -> Any:
    return lambda _request: static(path)


def _item(title: str, icon: str, url_name: str, scope: Scope = Scope.READ, **details: Any) -> dict[str, Any]:
    permission = f"executions.{scope.codename}"
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{url_name}"),
        "permission": lambda request: request.user.has_perm(permission),
        **details,
    }


def _administered(title: str, icon: str, url_name: str, check: str) -> dict[str, Any]:
    """Return an entry for those of whom a function of `console.access` says so."""

    def permission(request: HttpRequest) -> bool:
        from console import access  # imports models

        return bool(getattr(access, check)(request.user))

    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{url_name}"), "permission": permission}


def _model(title: str, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{url_name}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Obelisk",
    "SITE_HEADER": "Obelisk",
    "SITE_SYMBOL": "account_tree",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("obelisk/favicon.svg")}],
    "BORDER_RADIUS": "6px",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_file("console/colors.css"), _file("console/console.css")],
    "SCRIPTS": [_file("console/theme.js")],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": [
            {
                "title": "Watch",
                "items": [
                    _item("Dashboard", "monitoring", "index"),
                    _item("Executions", "account_tree", "console_executions", badge="console.dashboard.badge.stuck"),
                    _item("Human tasks", "inbox", "console_tasks", badge="console.tasks.badge.badge"),
                ],
            },
            {
                "title": "Run",
                "items": [
                    _item("Submit", "send", "console_submit", Scope.SUBMIT),
                    _item("Schedules", "schedule", "console_schedules"),
                    _item("Webhooks", "webhook", "console_webhooks", badge="console.webhooks.routes.failing_badge"),
                ],
            },
            {
                "title": "Code",
                "items": [
                    _item("Components", "deployed_code", "console_components"),
                    _item("WIT", "data_object", "console_wit"),
                    _item(
                        "Deployments", "rocket_launch", "console_deployments", badge="console.deployments.badge.badge"
                    ),
                ],
            },
            {
                "title": "System",
                "items": [
                    _item("Executors", "dns", "console_executors", badge="console.executors.pages.silent_badge"),
                    _item("Audit", "history", "console_audit"),
                    _administered("API tokens", "key", "console_tokens", "may_have_tokens"),
                    _administered("Storage and retention", "database", "console_storage", "may_administer"),
                    _model("Users", "person", "auth_user_changelist", "auth.view_user"),
                    _model("Groups", "group", "auth_group_changelist", "auth.view_group"),
                ],
            },
        ],
    },
}
