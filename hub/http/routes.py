"""Every route of the hub but the WebSocket's."""

from typing import Final

from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hub.http import catalogue, pages, tasks
from hub.http.streams import stream


class _Stream:
    """The streaming endpoint, which writes its own response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await stream(scope, receive, send)


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/api/v1/tasks", tasks.start, methods=["POST"]),
    Route("/api/v1/tasks/{id}", tasks.read, methods=["GET"]),
    Route("/api/v1/tasks/{id}", tasks.cancel, methods=["DELETE"]),
    Route("/api/v1/tasks/{id}/result", tasks.result, methods=["GET"]),
    Route("/api/v1/execute/stream", _Stream(), methods=["POST"]),
    Route("/api/v1/plugins", catalogue.plugins, methods=["GET"]),
    Route("/api/v1/plugins/{plugin}", catalogue.plugin, methods=["GET"]),
    Route("/api/v1/plugins/{plugin}/{command}", tasks.call, methods=["POST"]),
    Route("/api/v1/cache", catalogue.cache, methods=["GET"]),
    Route("/api/v1/cache", catalogue.clear, methods=["DELETE"]),
    Route("/healthz", catalogue.healthy, methods=["GET"]),
    Route("/{path:path}", pages.page, methods=["GET"]),
)
