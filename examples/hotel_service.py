"""A stand-in for the outside world: the hotel service that the examples call. ``python3 examples/hotel_service.py``.

Standard library only; what it is told is gone when it ends. It prints every request, so that retries, undone bookings
and cancelled requests can be watched.

* Oslo is sold out; Narvik takes three seconds to answer; every other city has rooms.
* The first request for a price in Bonn, and the first booking there, find the service down.
* A booking with the ``Idempotency-Key`` of an earlier one is the earlier one.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qs, urlsplit

DEFAULT_PORT = 8200
PRICES = {"Bonn": 80.5, "Narvik": 60.0, "Oslo": 200.0, "Rome": 120.0}
OTHER_PRICE = 100.0
SOLD_OUT = "Oslo"
SLOW, SLOW_S = "Narvik", 3.0
DOWN_AT_FIRST = "Bonn"


class HotelService(ThreadingHTTPServer):
    """The service, on a port of this machine.

    Args:
        port: Which one; 0 for any that is free.
        shows_requests: Whether to print them.
    """

    daemon_threads = True

    def __init__(self, port: int = DEFAULT_PORT, *, shows_requests: bool = True) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.shows_requests = shows_requests
        self.bookings: dict[str, str] = {}
        """Cities by the reference of their booking."""
        self._asked: Counter[str] = Counter()
        self._reference_of: dict[str, str] = {}
        self._mutex = Lock()

    @property
    def origin(self) -> str:
        """What its URLs begin with."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def quote(self, city: str) -> tuple[int, object]:
        """Answer with a price."""
        if city == SLOW:
            time.sleep(SLOW_S)
        if self._is_down("quote", city):
            return 503, {"error": "down for a moment"}
        return 200, {"price": PRICES.get(city, OTHER_PRICE)}

    def book(self, city: str, key: str) -> tuple[int, object]:
        """Answer with the reference of a booking."""
        if city == SOLD_OUT:
            return 409, {"error": f"{city} is sold out"}
        if self._is_down("book", city):
            return 503, {"error": "down for a moment"}
        with self._mutex:
            reference = self._reference_of.setdefault(key, f"{city}-{len(self._reference_of) + 1}")
            self.bookings[reference] = city
        return 200, {"reference": reference}

    def cancel(self, reference: str) -> tuple[int, object]:
        """Give a room back; a second time does no harm."""
        with self._mutex:
            self.bookings.pop(reference, None)
        return 200, {}

    def _is_down(self, what: str, city: str) -> bool:
        with self._mutex:
            self._asked[f"{what} {city}"] += 1
            return city == DOWN_AT_FIRST and self._asked[f"{what} {city}"] == 1


class _Handler(BaseHTTPRequestHandler):
    server: HotelService

    def do_GET(self) -> None:
        """Quote."""
        url = urlsplit(self.path)
        cities = parse_qs(url.query).get("city")
        self._answer(*(self.server.quote(cities[0]) if url.path == "/quote" and cities else (404, {})))

    def do_POST(self) -> None:
        """Book."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if self.path != "/book" or not isinstance(body.get("city"), str):
            self._answer(404, {})
            return
        self._answer(*self.server.book(body["city"], self.headers.get("Idempotency-Key", "")))

    def do_DELETE(self) -> None:
        """Cancel."""
        self._answer(*self.server.cancel(self.path.removeprefix("/book/")))

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except ConnectionError:
            pass  # whoever asked waits no longer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Print a line a request."""
        if self.server.shows_requests:
            print(format % args, flush=True)


def main() -> None:
    """Serve until Ctrl-C."""
    with HotelService(int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PORT) as service:
        print(f"Hotels at {service.origin}; Ctrl-C ends.", flush=True)
        try:
            service.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
