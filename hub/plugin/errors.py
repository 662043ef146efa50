"""What a command raises: for people (TaskError) and for another attempt (Retry).

These two belong to plugin authors and are no HubError: ours and theirs are told
apart. Both hold plain data only and survive a pickle. `CommandOptionsError` is for
authors, too: it is raised where a command is declared.
"""


class TaskError(Exception):
    """Fail the task with a text for people.

    The text becomes the response's `error`; the wire's code stays `plugin_error`
    and `code` is found in `failure.detail.code`.

    Args:
        message: One sentence that a person can act upon.
        code: The plugin's own word for the failure.
        retry: Whether the same request may succeed later.
        detail: JSON value with more facts, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "plugin_error",
        retry: bool = False,
        detail: object = None,
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.code: str = code
        self.retry: bool = retry
        self.detail: object = detail


class Retry(Exception):
    """Ask for another attempt of this command.

    Args:
        message: Why, for people; None for the hub's own text.
        after: Seconds until the next attempt; None for the command's backoff.
    """

    def __init__(
        self, message: str | None = None, *, after: float | None = None
    ) -> None:
        super().__init__(*(() if message is None else (message,)))
        self.message: str | None = message
        self.after: float | None = after


class CommandOptionsError(TypeError):
    """The options of a command are wrong."""


def error_text(error: BaseException) -> str:
    """Say an exception in one line: a TaskError's own text, else class and text."""
    if isinstance(error, TaskError):
        return error.message
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (a plugin's __str__ may raise anything)
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else name
