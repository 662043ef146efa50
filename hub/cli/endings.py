"""What is said and returned when a task has ended, or cannot be followed any more."""

from typing import Final

from msgspec import UNSET

from hub.cli.api import exit_of
from hub.cli.exits import CommandError, Exit, say
from hub.cli.output import Format, put, put_json, put_line
from hub.cli.values import shown
from hub.client.errors import ConnectionLost, UnreachableError
from hub.errors import HubError
from hub.tasks import TaskResponse, TaskStatus

EXITS: Final = {
    TaskStatus.COMPLETED: Exit.OK,
    TaskStatus.FAILED: Exit.FAILED,
    TaskStatus.CANCELLED: Exit.CANCELLED,
}


def report(
    response: TaskResponse, name: str, output: Format, *, several: bool = False
) -> Exit:
    """Write a result to standard output, and why there is none to standard error.

    Args:
        response: How the task ended.
        name: The command, with its plugin.
        output: In which form.
        several: Whether there are other tasks beside it.

    Returns:
        The exit code for this end.

    Raises:
        CommandError: It cannot be written.
    """
    code = EXITS[response.status]
    if output == "json":
        put_json(response, line=several)
    elif output == "text" and code is Exit.OK:
        _put_result(response, several=several)
    if code is not Exit.OK:
        say(f"Error: {why(response, name)}")
    return code


def _put_result(response: TaskResponse, *, several: bool) -> None:
    """Write a result for people: texts as they are, all else as JSON."""
    result = response.result
    if several:
        put_line(f"{response.task_id}  {shown(result)}")
    elif isinstance(result, str):
        put(f"{result}\n")
    elif result is not None:
        put_json(result)


def why(response: TaskResponse, name: str) -> str:
    """Say why a task has no result: in one line, whatever task and hub have said."""
    return " ".join(_why(response, name).split())


def _why(response: TaskResponse, name: str) -> str:
    if response.status is TaskStatus.CANCELLED:
        return f"{name} was cancelled (task {response.task_id})"
    failure = response.metadata.failure
    text = response.error or response.message or ""
    if failure is UNSET:
        return f"{name} failed: {text} (task {response.task_id})"
    own = (failure.detail or {}).get("code")
    code = f"{failure.code}, {own}" if isinstance(own, str) else failure.code
    again = "; trying again may help" if failure.retry else ""
    return f"{name} failed: {text} ({code}; task {response.task_id}){again}"


def trouble(error: HubError, task_id: str | None, key: str | None) -> CommandError:
    """Return what to say when the hub has refused something, or is gone.

    Args:
        error: What has happened.
        task_id: The task it is about, where it was accepted.
        key: That it was asked for with, where it was not.
    """
    text, code = _told(error), exit_of(error.code)
    if isinstance(error, UnreachableError):
        text, code = error.message, Exit.UNREACHABLE
        if task_id is not None:
            text += f" The task may still run: taskhub watch {task_id}"
        elif isinstance(error, ConnectionLost) and key is not None:
            text += (
                " Whether it was started is not known; the same command with "
                f"--key {key} finds or starts it"
            )
    elif task_id is not None and error.code == "not_found":
        # It was there: its end is what cannot be had any more.
        text, code = f"{task_id}: {error.message}", Exit.FAILED
    return CommandError(text, code)


def _told(error: HubError) -> str:
    """Return a refusal's text, with the flag that it is about."""
    detail = error.detail or {}
    if error.code == "invalid_params" and isinstance(detail.get("field"), str):
        flag = str(detail["field"]).partition(".")[0].replace("_", "-")
        return f"Invalid value for '--{flag}': {detail.get('reason', error.message)}"
    if error.code == "frame_too_large" and "size" in detail and "limit" in detail:
        return (
            f"{error.message} The request has {detail['size']:,} bytes, "
            f"and the hub takes {detail['limit']:,}."
        )
    return error.message
