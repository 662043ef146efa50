"""The routes of tasks: start, read, cancel, and the result alone."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hub.errors import NotFoundError
from hub.http import asking
from hub.http.answers import MEDIA_TYPE, call_answer, task_answer
from hub.http.bodies import params_of, wait_of, wish_of
from hub.http.problems import locale_of
from hub.protocol.frames import Execute
from hub.tasks import TaskStatus

PIECE: Final = 64 * 1024


async def start(request: Request) -> Response:
    """``POST /api/v1/tasks``: start a task; wait for its end where that is wished."""
    node = request.app.state.node
    wish = await wish_of(request)
    opened = await asking.execute(node, wish, locale_of(request))
    wait = wait_of(request)
    if wait is not None and await asking.ended(node, opened.task, wait):
        return task_answer(request, opened.task)
    return task_answer(request, opened.task, 202)


async def read(request: Request) -> Response:
    """``GET /api/v1/tasks/{id}``: the task as it stands."""
    task = await asking.find(request.app.state.node, request.path_params["id"])
    return task_answer(request, task, repeat=True)


async def cancel(request: Request) -> Response:
    """``DELETE /api/v1/tasks/{id}``: cancel it; answered when the wish is durable."""
    node, task_id = request.app.state.node, request.path_params["id"]
    await asking.cancel(node, task_id)
    return task_answer(request, await asking.find(node, task_id), 202)


async def result(request: Request) -> Response:
    """``GET /api/v1/tasks/{id}/result``: the result alone, as a download."""
    task = await asking.find(request.app.state.node, request.path_params["id"])
    outcome = task.outcome
    if outcome is None or outcome.status is not TaskStatus.COMPLETED:
        raise NotFoundError("The task has no result.")
    name = f"{task.run.request.plugin}.{task.run.request.command}.json"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(len(outcome.result)),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_pieces(outcome.result), 200, headers, MEDIA_TYPE)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    """Yield data piece by piece, so that a slow reader holds one of them."""
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


async def call(request: Request) -> Response:
    """``POST /api/v1/plugins/{plugin}/{command}``: run a command to its end."""
    node = request.app.state.node
    wish = Execute(
        id=0,
        plugin=request.path_params["plugin"],
        command=request.path_params["command"],
        params=await params_of(request),
    )
    opened = await asking.execute(node, wish, locale_of(request))
    await asking.ended(node, opened.task, None)
    return call_answer(request, opened.task)
