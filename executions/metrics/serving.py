"""The port at which an executor's process shows its metrics."""

from __future__ import annotations

from threading import Thread
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from engine.executor.executor import Executor
from executions.metrics.executor_collector import ExecutorCollector

log = structlog.get_logger(__name__)


class MetricsServer:
    """Shows one executor's metrics over HTTP, to whoever can reach the port.

    Executors of one host are processes of their own; each takes the first port that is free, and one that is started in
    place of a dead one finds that one's.

    Args:
        executor: Whose metrics.
        address: Where to listen.
        ports: Which ports to try, in this order.
    """

    def __init__(self, executor: Executor, *, address: str, ports: range) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(ExecutorCollector(executor))
        ProcessCollector(registry=self._registry)
        self._listening = self._listen(address, ports)

    @property
    def port(self) -> int | None:
        """Where it listens; ``None`` if no port was free."""
        return None if self._listening is None else int(self._listening[0].server_port)

    def stop(self) -> None:
        """Listen no more."""
        if self._listening is not None:
            server, thread = self._listening
            server.shutdown()
            server.server_close()
            thread.join()

    def _listen(self, address: str, ports: range) -> tuple[WSGIServer, Thread] | None:
        reason = "no port to try"
        for port in ports:
            try:
                listening = start_http_server(port, addr=address, registry=self._registry)
            except OSError as error:
                reason = str(error)
                continue
            log.info("metrics.listening", address=address, port=port)
            return listening
        # Whoever runs executions goes on without being watched.
        log.error("metrics.no_port", address=address, first=ports.start, last=ports.stop - 1, error=reason)
        return None
