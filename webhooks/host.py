"""The part of the web process that lets components answer requests: made on first use, one a process."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from components.operator import take_operator_policy
from components.services import wasm_bytes
from engine.clock import SystemClock
from engine.deployment.registry import Registry
from engine.deployment.routes import Found, RouteTable, WrongMethod
from engine.deployment.spec import ComponentSpec
from engine.deployment.webhooks import WebhookMount
from engine.errors import EngineError
from engine.executor.detached_threads import DetachedThreads
from engine.executor.services import make_services
from engine.executor.webhook_response import ResponseSink
from engine.executor.webhook_run import WebhookRun
from engine.host.wasi.incoming_handler import ReceivedRequest
from engine.log.ids import ExecutionId
from executions.deployed import NOTHING, deployed_registry
from executions.hosting import LOOK_EVERY, executor_settings, load_component
from executions.journal.journal import SqlJournal
from webhooks.reaping import REAP_EVERY, fail_abandoned, reap
from webhooks.refusals import Refusals

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_STOP_WITHIN_S = 5.0
"""How long requests that are given up have to end, when the process does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A webhook endpoint of the active deployment, and what its requests may take here.

    Args:
        component: The component.
        mount: What the deployment says about it.
        body_bytes: Most bytes of a request's body.
        timeout: How long a request may take.
        concurrency: Most requests at a time.
    """

    component: ComponentSpec
    mount: WebhookMount
    body_bytes: int
    timeout: timedelta
    concurrency: int

    @property
    def name(self) -> str:
        """The component's name."""
        return self.component.id.name


class WebhookHost:
    """What all requests of one process share.

    Raises:
        DeploymentRefused: If the operator's configuration cannot be used.
    """

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._journal = SqlJournal.dedicated()
        self._feed = self._journal.change_feed()
        self.services = make_services(
            journal=self._journal,
            clock=self._clock,
            registry=NOTHING,
            load=load_component,
            settings=executor_settings(take_operator_policy()),
            randomness=os.urandom,
            read=wasm_bytes,
        )
        self.refusals = Refusals()
        # Not a pool of the standard library: the process would not end before its guests do.
        self._threads = DetachedThreads(_close_connection)
        self._table: RouteTable[Endpoint] = RouteTable(())
        self._mutex = threading.Lock()
        self._has_changed = threading.Condition(self._mutex)
        self._runs: set[WebhookRun] = set()
        self._taken: dict[str, int] = {}
        self._reaped_at: datetime | None = None
        self._is_stopping = threading.Event()
        self._heart = threading.Thread(target=self._beat_until_stopped, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self.services.commits.start()
        self._feed.start(self.services.wakeups.broadcast)
        self._look_for_deployment()
        self._heart.start()

    def stop(self) -> None:
        """Give up what goes on, and end."""
        self._is_stopping.set()
        self._heart.join()
        with self._mutex:
            for run in self._runs:
                run.give_up()
            self._has_changed.wait_for(lambda: not self._runs, _STOP_WITHIN_S)
        self._threads.close()
        self.services.commits.stop()
        self._feed.stop()
        self.services.programs.close()
        self._flush()
        self.services.transport.close()
        self._journal.close()

    # Requests.

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function on a thread of its own; who calls has a place for it (`admit`)."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  # whoever waits for the future is told
                future.set_exception(error)

        self._threads.start(run)
        return future

    def find(self, method: str, path: str) -> Found[Endpoint] | WrongMethod | None:
        """Return who answers a request."""
        return self._table.find(method, path)

    def endpoint(self, name: str) -> Endpoint | None:
        """Return an endpoint by its component's name."""
        components = self.services.registry.deployment.components
        return next(
            (endpoint_of(each, each.webhook) for each in components if each.webhook and each.id.name == name), None
        )

    def admit(self, endpoint: Endpoint) -> bool:
        """Take a place for a request, to be given back by `dismiss`; tell whether there is one."""
        with self._mutex:
            taken = self._taken.get(endpoint.name, 0)
            if taken >= endpoint.concurrency or sum(self._taken.values()) >= settings.OBELISK_WEBHOOK_SLOTS:
                return False
            self._taken[endpoint.name] = taken + 1
            return True

    def dismiss(self, endpoint: Endpoint) -> None:
        """Give a place back."""
        with self._mutex:
            self._taken[endpoint.name] -= 1

    def make_run(
        self,
        endpoint: Endpoint,
        request: ReceivedRequest,
        sink: ResponseSink,
        *,
        params: Mapping[str, str],
        execution_id: ExecutionId | None = None,
    ) -> WebhookRun:
        """Return a run of a request; its arguments are those of `WebhookRun`."""
        return WebhookRun(
            self.services,
            endpoint.component,
            request,
            sink,
            params=params,
            timeout=endpoint.timeout,
            randomness=os.urandom,
            execution_id=execution_id,
        )

    def wait_for_end(self, seconds: float) -> bool:
        """Let time pass; tell whether the process ends."""
        return self._is_stopping.wait(seconds)

    def keys(self, names: Sequence[str]) -> list[bytes]:
        """Return the operator's secrets of these names; one that this process does not have is left out."""
        secrets = self.services.settings.operator.secrets
        return [secrets[name].reveal().encode() for name in names if name in secrets]

    @contextlib.contextmanager
    def looking_after(self, run: WebhookRun) -> Iterator[None]:
        """Renew a run's lock, and give it up when the process ends."""
        with self._mutex:
            self._runs.add(run)
        if self._is_stopping.is_set():
            run.give_up()
        try:
            yield
        finally:
            with self._mutex:
                self._runs.discard(run)
                self._has_changed.notify_all()

    # The heart.

    def _beat_until_stopped(self) -> None:
        try:
            while not self._is_stopping.wait(LOOK_EVERY.total_seconds()):
                self._look_for_deployment()
                now = self._clock.now()
                with self._mutex:
                    runs = list(self._runs)
                for run in runs:
                    run.renew(now)
                self._flush()
                self._reap(now)
        finally:
            connection.close()

    def _flush(self) -> None:
        self.services.guest_log.flush()
        self.services.http_log.flush()
        self.services.call_sites.flush()
        self.refusals.flush()

    def _look_for_deployment(self) -> None:
        try:
            registry = deployed_registry()
        except (DatabaseError, EngineError) as error:
            # What is served now goes on; people see why the new one is not.
            log.error("webhooks.deployment_unusable", error=str(error))
            close_old_connections()
            return
        if registry is not self.services.registry:
            self._use(registry)

    def _use(self, registry: Registry) -> None:
        self.services.registry = registry
        mounted = [(each, each.webhook) for each in registry.deployment.components]
        endpoints = [endpoint_of(component, mount) for component, mount in mounted if mount is not None]
        self._table = RouteTable((route, each) for each in endpoints for route in each.mount.routes)
        log.info("webhooks.deployment_changed", deployment_id=registry.deployment.id, endpoints=len(endpoints))
        for endpoint in endpoints:
            self.submit(self._load, endpoint.component)

    def _load(self, component: ComponentSpec) -> None:
        """Load a component, so that its first request need not wait for it."""
        try:
            self.services.programs.get(component)
        except EngineError as error:
            log.error("webhooks.component_unusable", component=component.id.name, error=str(error))
        finally:
            connection.close()

    def _reap(self, now: datetime) -> None:
        if self._reaped_at is not None and now < self._reaped_at + REAP_EVERY:
            return
        self._reaped_at = now
        try:
            reap(self._journal, now)
            fail_abandoned(now)
        except (DatabaseError, EngineError) as error:
            log.warning("webhooks.reaping_failed", error=str(error))
            close_old_connections()


def _close_connection() -> None:
    """Close the calling thread's database connection, which nobody else can."""
    connection.close()


def endpoint_of(component: ComponentSpec, mount: WebhookMount) -> Endpoint:
    """Return a component as an endpoint, with the limits that hold here.

    Args:
        component: The component.
        mount: What its deployment says about it.
    """
    limits = mount.limits
    most = settings.OBELISK_WEBHOOK_SLOTS
    return Endpoint(
        component=component,
        mount=mount,
        body_bytes=_lower(settings.OBELISK_WEBHOOK_BODY_BYTES, limits.body_bytes),
        timeout=min(settings.OBELISK_WEBHOOK_TIMEOUT, limits.timeout or settings.OBELISK_WEBHOOK_TIMEOUT),
        concurrency=_lower(most, limits.concurrency),
    )


def _lower(most: int, asked: int | None) -> int:
    return most if asked is None else min(most, asked)


_mutex = threading.Lock()
_host: WebhookHost | None = None


def webhook_host() -> WebhookHost:
    """Return this process's host, started on first use.

    Raises:
        DeploymentRefused: If the operator's configuration cannot be used.
    """
    global _host  # noqa: PLW0603 - one per process
    with _mutex:
        if _host is None:
            host = WebhookHost()
            host.start()
            _host = host
            atexit.register(stop_webhook_host)
        return _host


def stop_webhook_host() -> None:
    """Stop this process's host, if there is one; the next use starts another."""
    global _host
    with _mutex:
        host, _host = _host, None
        atexit.unregister(stop_webhook_host)
    if host is not None:
        host.stop()
