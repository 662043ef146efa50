"""A weather service on a real socket, that answers as each test tells it to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

KEY = "c0ffee0123456789"
"""The operator's key, that nobody else may ever see."""

BEIJING = {"results": [{"name": "北京", "latitude": 39.9, "longitude": 116.4}]}
CLEAR = {"current": {"temperature_2m": 22.5, "weather_code": 0}}
OWM_CLEAR = {
    "name": "北京市",
    "main": {"temp": 22.5, "temp_min": 20.0, "temp_max": 24.0},
    "weather": [{"id": 800}],
}


@dataclass
class Answer:
    """What to send: JSON, or bytes as they are."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    held: bool = False
    """Not sent before the test is over."""


class Service:
    """A stub upstream: answers by path, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.over = Event()

    def answer(
        self, path: str, body: object, status: int = 200, **headers: str
    ) -> None:
        """Answer a path with JSON (or bytes as they are) from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(body, status, named)

    def hold(self, path: str) -> None:
        """Take requests for a path, and say nothing."""
        self.answers[path] = Answer(None, held=True)

    def queries(self, path: str) -> list[dict[str, str]]:
        """List the queries with which a path was asked."""
        return [query for asked, query in self.asked if asked == path]

    def handle(self, target: str) -> Answer:
        """Record a request and find its answer."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, query))
        answer = self.answers.get(parts.path, Answer({"error": True}, 404))
        if answer.held:
            self.over.wait(20)
        return answer


@contextmanager
def serving_on_loopback() -> Iterator[Service]:
    """Serve on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = serving.handle(self.path)
            body = answer.body
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its)
            """Keep the test's output clean."""

        def handle(self) -> None:
            # A client that reads no further than its bound hangs up in the middle.
            try:
                super().handle()
            except ConnectionError:
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Service(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.over.set()
    server.shutdown()
    server.server_close()
    thread.join()
