"""Django's settings: what comes from the environment is read here, by typed helpers that fail loudly.

``OBELISK_...`` variables are ours, ``DJANGO_...`` ones set what Django calls by that name; CONTRIBUTING.md lists them.
Combinations that cannot work, or that are unsafe, are reported by ``obelisk_site.checks``.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import django_stubs_ext

import console.theme
from executions.retention.rules import parse_rules
from obelisk_site.client_address import parse_networks
from obelisk_site.data_dir import DATA_DIR_VARIABLE, prepare_data_dir, read_or_create_secret_key
from obelisk_site.database import postgresql_database, sqlite_database
from obelisk_site.env import (
    env_bool,
    env_choice,
    env_file,
    env_int,
    env_list,
    env_parsed,
    env_path,
    env_seconds,
    env_str,
)
from obelisk_site.logging import FORMATS, LEVELS, configure_structlog, logging_config
from obelisk_site.process import Process, process_of
from obelisk_site.redis import channel_layers, housekeeping_broker, redis_address

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
PROCESS = process_of(sys.argv)

# --- Where things are -------------------------------------------------------------------------------------------------

OBELISK_DATA_DIR = prepare_data_dir(env_path(DATA_DIR_VARIABLE, BASE_DIR / "var"))
# Interpreters of source components are built here on first use, and take some 100 MB with their tools.
OBELISK_RUNTIMES_DIR = env_path("OBELISK_RUNTIMES_DIR", OBELISK_DATA_DIR / "cache" / "runtimes")
# Machine code of components, which is made once for each; sites of one user may share the folder.
OBELISK_COMPILED_DIR = env_path("OBELISK_COMPILED_DIR", OBELISK_DATA_DIR / "cache" / "wasm")
OBELISK_PORT = env_int("PORT", 8000, minimum=1, maximum=65_535)

# --- Security ---------------------------------------------------------------------------------------------------------

DEBUG = env_bool("DJANGO_DEBUG", default=False)
SECRET_KEY = env_str("DJANGO_SECRET_KEY", "") or read_or_create_secret_key(OBELISK_DATA_DIR / "secret_key")
ALLOWED_HOSTS = env_list("DJANGO_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env_list("DJANGO_CSRF_TRUSTED_ORIGINS", [])

# Set it when a proxy in front of this site speaks HTTPS to the browser; cookies are then never sent in the clear.
OBELISK_HTTPS = env_bool("OBELISK_HTTPS", default=False)

# Addresses and networks of the proxies in front of this site, which tell for whom they ask (X-Forwarded-For); nobody
# else is believed.
OBELISK_TRUSTED_PROXIES = env_parsed("OBELISK_TRUSTED_PROXIES", parse_networks)

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = OBELISK_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = OBELISK_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Apps -------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # Daphne's app replaces runserver. It imports Twisted, a quarter of a second and an event loop that the executor's
    # forked workers would inherit, so only the web process has it. It must stand before staticfiles.
    *(["daphne"] if PROCESS is Process.WEB else []),
    # The console's templates come before the theme's, and those before the admin's. An executor shows no pages: what it
    # does not import it need not walk through at every garbage collection, which doubles the time of a replay.
    *(
        ["django.contrib.admin.apps.SimpleAdminConfig"]
        if PROCESS is Process.EXECUTOR
        else ["console", "unfold.apps.BasicAppConfig", "console.admin_app.ConsoleAdminConfig"]
    ),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_q",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "components",
    "executions",
    "webhooks",
    "obelisk_site",
    # Your own: their activities are part of every deployment. The examples' app is there until something is said, as
    # the examples are deployed until something else is.
    *env_list("OBELISK_APPS", [] if "OBELISK_APPS" in os.environ else ["examples.shop"]),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "obelisk_site.content_policy.content_policy",
    "obelisk_site.static_files.static_files",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "obelisk_site.urls"
LOGIN_REDIRECT_URL = "admin:index"
ASGI_APPLICATION = "obelisk_site.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The theme of the admin: menu, files, names.
UNFOLD = console.theme.UNFOLD

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # serves the apps' files from where they are: no collectstatic step to forget

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- Storage ----------------------------------------------------------------------------------------------------------

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Connections of the web process to PostgreSQL; further requests wait for one.
OBELISK_DATABASE_POOL = env_int("OBELISK_DATABASE_POOL", 20, minimum=4, maximum=1000)

DATABASES = {
    # postgres://user@host:5432/name, with the password in it or in a file. The address is no setting of its own: its
    # name would not keep it out of error pages.
    "default": env_parsed(
        "OBELISK_DATABASE_URL",
        lambda url: postgresql_database(
            url,
            process=PROCESS,
            pool_size=OBELISK_DATABASE_POOL,
            password=env_file("OBELISK_DATABASE_PASSWORD_FILE"),
        ),
    )
    if env_str("OBELISK_DATABASE_URL", "")
    else sqlite_database(
        OBELISK_DATA_DIR / "db.sqlite3",
        # Under ASGI every request has a thread of its own, so a connection that is kept is never used again. Everywhere
        # else it is kept for ever: django-q2 would reconnect several times per task.
        conn_max_age=0 if PROCESS is Process.WEB else None,
    ),
}

# Redis, for housekeeping and as a channel layer. Executions, and pages that are open, need the database alone.
_redis = env_parsed("OBELISK_REDIS_URL", partial(redis_address, password=env_file("OBELISK_REDIS_PASSWORD_FILE")))
CHANNEL_LAYERS = channel_layers(_redis)

# --- Executor ---------------------------------------------------------------------------------------------------------

# Worker processes, each of which hosts an executor. SQLite has one writer at a time, so a second worker pays only where
# the guests compute more than they write.
OBELISK_WORKERS = env_int("OBELISK_WORKERS", 1, minimum=1, maximum=64)

# Executions that one executor runs at a time; each takes a thread. Threads share one interpreter lock, so more slots
# serve waiting (HTTP, timers), not computing.
OBELISK_SLOTS = env_int("OBELISK_SLOTS", 16, minimum=1, maximum=512)

# How long the events of pure steps may stay uncommitted; 0 commits every step. What a crash loses of them is
# computation, which replay repeats: nothing leaves the sandbox before it is durable.
OBELISK_COMMIT_WINDOW = env_seconds("OBELISK_COMMIT_WINDOW", 0.01)

# How long a waiting workflow stays in memory before it is unloaded and later replayed.
OBELISK_HOT_WAIT = env_seconds("OBELISK_HOT_WAIT", 0.3)

# What one run of a component may use up. A guest that asks for more memory is told that there is none.
OBELISK_MEMORY_MIB = env_int("OBELISK_MEMORY_MIB", 512, minimum=1, maximum=4096)

# What one run may print on one stream, and how many lines an execution may have in its log; the rest is dropped.
OBELISK_OUTPUT_BYTES = env_int("OBELISK_OUTPUT_BYTES", 1 << 20, minimum=0)
OBELISK_LOG_LINES = env_int("OBELISK_LOG_LINES", 10_000, minimum=0)

# How long an execution's parameters and its result may be, as JSON.
OBELISK_PARAMS_BYTES = env_int("OBELISK_PARAMS_BYTES", 16 << 20, minimum=1024, maximum=64 << 20)
OBELISK_RESULT_BYTES = env_int("OBELISK_RESULT_BYTES", 16 << 20, minimum=1024, maximum=64 << 20)

# Where guests may send HTTP requests, if their deployment allows it as well: comma-separated patterns such as
# https://api.example.com or http://127.0.0.1:*. Empty denies everything.
OBELISK_OUTBOUND_HOSTS = env_list("OBELISK_OUTBOUND_HOSTS", [])

# A TOML file with more to say on that: [[outbound_http.allowed_host]] with methods, regular expressions and secrets,
# and [secrets] with the environment variables that hold them.
OBELISK_SERVER_CONFIG = env_str("OBELISK_SERVER_CONFIG", "")
if not OBELISK_SERVER_CONFIG and "OBELISK_APPS" not in os.environ:
    # The examples have a webhook endpoint, whose secret is made up on first use, in the data directory.
    OBELISK_SERVER_CONFIG = str(BASE_DIR / "examples" / "server.toml")
    os.environ.setdefault("STARS_SECRET", read_or_create_secret_key(OBELISK_DATA_DIR / "stars_secret"))

# Instructions one run may execute; 0 does not count them. Counting makes guests slower, and every component is compiled
# anew when it is switched on or off.
OBELISK_FUEL = env_int("OBELISK_FUEL", 0, minimum=0)

# How long finished executions are kept, such as "shop:* ok 7d, * failure 90d, * any 30d": the first rule that fits one
# counts, and what none fits is kept for ever.
OBELISK_RETENTION = env_parsed("OBELISK_RETENTION", parse_rules)
# --- Webhooks ---------------------------------------------------------------------------------------------------------

# Where webhook endpoints are mounted; their routes follow. A component sees its route's path alone.
OBELISK_WEBHOOK_PREFIX = env_str("OBELISK_WEBHOOK_PREFIX", "/hooks/")

# Requests that the web process lets components answer at a time; each takes a thread. Further ones are refused.
OBELISK_WEBHOOK_SLOTS = env_int("OBELISK_WEBHOOK_SLOTS", 32, minimum=1, maximum=512)

# How long a request may take, its response included, and how large its body may be. Endpoints may ask for less.
OBELISK_WEBHOOK_TIMEOUT = env_seconds("OBELISK_WEBHOOK_TIMEOUT", 60)
OBELISK_WEBHOOK_BODY_BYTES = env_int("OBELISK_WEBHOOK_BODY_BYTES", 10 << 20, minimum=0)

# How much of a signed delivery's body, and of the response's, is kept.
OBELISK_DELIVERY_BYTES = env_int("OBELISK_DELIVERY_BYTES", 1 << 20, minimum=0)

# --- Queue ------------------------------------------------------------------------------------------------------------

# The queue carries housekeeping only (sweeps, schedules, compilation): steps never pass through it.
Q_CLUSTER = {
    "name": "obelisk",
    "label": "Housekeeping",
    **housekeeping_broker(_redis),
    "workers": OBELISK_WORKERS,
    "timeout": 300,  # seconds a task may take; ahead-of-time compilation of a large component takes 10
    "retry": 360,  # must outlast the timeout, or a task that still runs is started again
    "ack_failures": True,  # a sweep that failed is not repeated at once: its schedule brings the next
    "max_attempts": 1,
    "catch_up": False,  # one sweep makes up for all that were missed
    "save_limit": -1,  # keep no successes: keeping n locks all n rows at every save. Failures are always kept
    "bulk": 50,  # tasks fetched at a time
    "queue_limit": 200,
    "poll": 0.5,  # seconds of rest after each look; `executions.database_broker` says how often that is
    "guard_cycle": 0.5,  # seconds until a dead worker, and the executor in it, is replaced
    "recycle": 1_000_000_000,  # tasks after which a worker is replaced: never, since an executor lives in it
}

# --- API --------------------------------------------------------------------------------------------------------------

# Requests that one token or one person may send a minute; 0 for any number.
OBELISK_API_RATE = env_int("OBELISK_API_RATE", 6000, minimum=0)

# How large the body of a request may be; parameters of an execution have their own limit within it.
OBELISK_API_BODY_BYTES = env_int("OBELISK_API_BODY_BYTES", 20 << 20, minimum=1024, maximum=1 << 30)

# How large a deployment with its files may be when it is submitted as a form.
OBELISK_DEPLOYMENT_BYTES = env_int("OBELISK_DEPLOYMENT_BYTES", 256 << 20, minimum=1024, maximum=1 << 32)

# Clients of one web process that may follow executions at a time; each holds a connection and some memory.
OBELISK_API_FOLLOWERS = env_int("OBELISK_API_FOLLOWERS", 1000, minimum=0)

REST_FRAMEWORK = {
    # For views that do not say it themselves.
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "executions.api.negotiation.NoNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "executions.api.failures.answer_exception",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Obelisk",
    "DESCRIPTION": "Durable workflows: Obelisk's web API, and more. docs/rest-api.md introduces it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["executions.api.schema.add_components"],
    # Scripts and styles of the page come from this site.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Metrics ----------------------------------------------------------------------------------------------------------

# Where each executor process shows its metrics: the first free one of OBELISK_WORKERS ports from this one on; 0 for
# nowhere. Whoever reaches the port may read them.
OBELISK_METRICS_PORT = env_int("OBELISK_METRICS_PORT", 0, minimum=0, maximum=65_535 - 64)
OBELISK_METRICS_HOST = env_str("OBELISK_METRICS_HOST", "127.0.0.1")

# Who may read the web process's /metrics without a token: comma-separated addresses and networks such as 10.0.0.0/8.
OBELISK_METRICS_FROM = env_parsed("OBELISK_METRICS_FROM", parse_networks)

# --- Traces -----------------------------------------------------------------------------------------------------------

# Executors send spans where OpenTelemetry's own variables say, if one of these does.
OBELISK_TRACING = any(os.environ.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", "TRACES_ENDPOINT"))

# --- Logging ----------------------------------------------------------------------------------------------------------

# Lines of guests, which are kept in the database, in the executor's log, too: for sites that collect logs elsewhere.
# They may hold whatever guests work on.
OBELISK_GUEST_LOGS = env_bool("OBELISK_GUEST_LOGS", default=False)

OBELISK_LOG_LEVEL = env_choice("OBELISK_LOG_LEVEL", "INFO", choices=LEVELS)

configure_structlog(level=OBELISK_LOG_LEVEL)
LOGGING = logging_config(
    directory=OBELISK_DATA_DIR / "logs",
    name=PROCESS.value,
    level=OBELISK_LOG_LEVEL,
    # Whoever runs a command wants its output, not its diary.
    console_level=env_choice("OBELISK_CONSOLE_LOG_LEVEL", "INFO" if PROCESS.is_service else "WARNING", choices=LEVELS),
    console_format=env_choice("OBELISK_LOG_FORMAT", "console", choices=FORMATS),
)
