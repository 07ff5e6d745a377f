"""System checks: combinations of settings that cannot work (errors), or that a person should know of (warnings)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from components.django_activities import django_activities
from components.operator import operator_config
from components.problems import DeploymentRefused

#: Hosts that only this machine can reach.
LOOPBACK_HOSTS: Final = frozenset({"localhost", ".localhost", "127.0.0.1", "[::1]"})

_SECRET_KEY_MIN_LENGTH: Final = 32

_OWN_PATHS: Final = ("/admin/", "/static/", "/v1/")


@checks.register(checks.Tags.security)
def check_security(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report what is unsafe once other machines can reach the site."""
    return list(_security_messages())


# Without Django's database tag, whose checks run only where --database is given; this one reads settings alone.
@checks.register()
def check_database(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a SQLite database that would lose writes or refuse them."""
    return list(_database_messages())


@checks.register()
def check_queue(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a queue that would run tasks twice, or whose broker has no database."""
    return list(_queue_messages())


@checks.register()
def check_outbound_http(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a list of hosts or a file of the operator that cannot be used; the executor would not start."""
    try:
        operator_config()
    except DeploymentRefused as error:
        return [checks.Error(problem, id="obelisk.E007") for problem in error.problems]
    return []


@checks.register()
def check_activities(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report activities of installed apps that cannot be used; nothing can be deployed with them."""
    try:
        django_activities()
    except DeploymentRefused as error:
        return [checks.Error(problem, id="obelisk.E008") for problem in error.problems]
    return []


@checks.register()
def check_tracing(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report that spans are to be sent and the packages for it are not there; the executor would not start."""
    if not settings.OBELISK_TRACING or find_spec("opentelemetry") is not None:
        return []
    return [
        checks.Error(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry's packages are not installed.",
            hint="Install them: pip install --require-hashes -r requirements-otel.txt; or unset the variable.",
            id="obelisk.E010",
        )
    ]


@checks.register()
def check_webhooks(app_configs: Sequence[AppConfig] | None, **_options: Any) -> list[CheckMessage]:
    """Report a prefix of webhooks that would hide pages of the site, or never match."""
    prefix: str = settings.OBELISK_WEBHOOK_PREFIX
    if not (len(prefix) > 2 and prefix.startswith("/") and prefix.endswith("/")):
        problem = 'it begins and ends with "/" and has something between'
    elif taken := next((path for path in _OWN_PATHS if path.startswith(prefix) or prefix.startswith(path)), None):
        problem = f"{taken} is the site's own"
    else:
        return []
    return [checks.Error(f"OBELISK_WEBHOOK_PREFIX is {prefix!r}: {problem}.", id="obelisk.E009")]


def _security_messages() -> Iterator[CheckMessage]:
    exposed = [host for host in settings.ALLOWED_HOSTS if host not in LOOPBACK_HOSTS]
    if settings.DEBUG and exposed:
        yield checks.Error(
            f"DEBUG is on while the site answers to {', '.join(exposed)}: its error pages show settings and data.",
            hint="Unset DJANGO_DEBUG, or keep DJANGO_ALLOWED_HOSTS to this machine.",
            id="obelisk.E001",
        )
    if exposed and not settings.SESSION_COOKIE_SECURE:
        yield checks.Warning(
            f"The site answers to {', '.join(exposed)} and sends its session cookie without HTTPS.",
            hint="Put a proxy that speaks HTTPS in front and set OBELISK_HTTPS=1.",
            id="obelisk.W001",
        )
    if settings.SESSION_COOKIE_SECURE and not settings.CSRF_TRUSTED_ORIGINS:
        yield checks.Warning(
            "Behind a proxy that speaks HTTPS every form is refused unless its origin is trusted.",
            hint="Set DJANGO_CSRF_TRUSTED_ORIGINS, such as https://obelisk.example.com.",
            id="obelisk.W002",
        )
    if len(settings.SECRET_KEY) < _SECRET_KEY_MIN_LENGTH:
        yield checks.Error(
            f"The secret key has {len(settings.SECRET_KEY)} characters; sessions could be forged.",
            hint=f"Give DJANGO_SECRET_KEY at least {_SECRET_KEY_MIN_LENGTH} random characters, or unset it.",
            id="obelisk.E002",
        )


def _database_messages() -> Iterator[CheckMessage]:
    for alias, database in settings.DATABASES.items():
        if database["ENGINE"] != "django.db.backends.sqlite3":
            continue
        options = database.get("OPTIONS", {})
        if (options.get("transaction_mode") or "").upper() not in {"IMMEDIATE", "EXCLUSIVE"}:
            yield checks.Error(
                f"The SQLite database {alias!r} begins transactions as a reader; a write that follows is refused when "
                "another process has written meanwhile, without waiting.",
                hint='Set OPTIONS["transaction_mode"] to "IMMEDIATE".',
                id="obelisk.E003",
            )
        if "journal_mode = wal" not in (options.get("init_command") or "").lower():
            yield checks.Error(
                f"The SQLite database {alias!r} is not in WAL mode; the web process and the executor would block "
                "each other.",
                hint='Begin OPTIONS["init_command"] with "PRAGMA journal_mode = WAL".',
                id="obelisk.E004",
            )


def _queue_messages() -> Iterator[CheckMessage]:
    queue: dict[str, Any] = settings.Q_CLUSTER
    timeout, retry = queue.get("timeout"), queue.get("retry", 60)
    if timeout is None or timeout >= retry:
        yield checks.Error(
            f"Q_CLUSTER: retry ({retry} s) must be longer than timeout ({timeout} s), or a task that still runs is "
            "started again.",
            id="obelisk.E005",
        )
    if (alias := queue.get("orm")) is not None and alias not in settings.DATABASES:
        yield checks.Error(
            f"Q_CLUSTER: orm names the database {alias!r}, which DATABASES does not have.", id="obelisk.E006"
        )
