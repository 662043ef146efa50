"""What the fan-out is compared with: a loop that sends one text to every socket.

A socket that sends an order (hz, count, template) starts the loop: `count` times, `hz`
times a second, each `@` in the template becomes the moment in nanoseconds, and the text
goes to all other sockets, one `send_text` after the other.
"""

import asyncio
import time

import msgspec
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.echo import serve
from bench.orders import SendOrder

sockets: set[WebSocket] = set()


async def send_to_all(order: SendOrder) -> None:
    """Carry out an order, keeping its pace as far as the sends allow."""
    begun = time.monotonic()
    for tick in range(order.count):
        await asyncio.sleep(begun + tick / order.hz - time.monotonic())
        text = order.template.replace("@", str(time.monotonic_ns()))
        for socket in tuple(sockets):
            await socket.send_text(text)


async def listen(socket: WebSocket) -> None:
    """Keep a socket in the set; one that orders is taken out of it."""
    await socket.accept()
    sockets.add(socket)
    try:
        while True:
            order = msgspec.json.decode(await socket.receive_text(), type=SendOrder)
            sockets.discard(socket)
            await send_to_all(order)
    except WebSocketDisconnect:
        sockets.discard(socket)


if __name__ == "__main__":
    serve(Starlette(routes=[WebSocketRoute("/ws", listen)]))
