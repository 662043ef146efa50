"""Tasks as answers over HTTP."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hub.http.problems import locale_of
from hub.responses import response, result_url
from hub.runs import NOTHING, Task
from hub.tasks import NULL, PluginExecuteResponse, TaskResponse, TaskStatus

MEDIA_TYPE: Final = "application/json"


class TaskAnswer(TaskResponse, kw_only=True):
    """A task whose result may be too large to stand in it.

    Attributes:
        result_url: Where the result is then, relative to the hub's root.
    """

    result_url: str | msgspec.UnsetType = msgspec.UNSET


def json_answer(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a value as a response."""
    return Response(msgspec.json.encode(value), status, headers, media_type=MEDIA_TYPE)


def task_answer(
    request: Request, task: Task, status: int = 200, *, repeat: bool = False
) -> Response:
    """Return a task as a response.

    Args:
        request: Who asks, in which language.
        task: What it is about.
        status: The HTTP status.
        repeat: Whether to say what was asked for.
    """
    node = request.app.state.node
    now = node.clock.now()
    made = response(task, locale_of(request), now, request=repeat)
    answer = TaskAnswer(**{n: getattr(made, n) for n in made.__struct_fields__})
    if len(memoryview(made.result)) > node.settings.limits.frame_bytes:
        answer.result, answer.result_url = NULL, result_url(task)
    headers = {} if status == 200 else {"Location": f"/api/v1/tasks/{task.id}"}  # noqa: PLR2004  # OK
    return json_answer(answer, status, headers)


def call_answer(request: Request, task: Task) -> Response:
    """Return an ended task as the response to a direct call."""
    node = request.app.state.node
    made = response(task, locale_of(request), node.clock.now())
    success = made.status is TaskStatus.COMPLETED
    return json_answer(
        PluginExecuteResponse(
            plugin_name=made.metadata.plugin,
            command=made.metadata.command,
            result=made.result if success else msgspec.Raw(NOTHING),
            success=success,
            error=None if success else made.error or made.message,
            execution_time_ms=made.metadata.execution_time_ms,
        )
    )
