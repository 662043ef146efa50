"""The unit of every ratio: a text echo, served with the options of the hub."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


def serve(app: Starlette) -> None:
    """Serve on the port of the command line as the hub does: `app` is what differs."""
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
    )


async def echo(socket: WebSocket) -> None:
    """Send every text back until the client has gone."""
    await socket.accept()
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    serve(Starlette(routes=[WebSocketRoute("/ws", echo)]))
