"""Which values the fields of client frames may have, beyond what their types say."""

from typing import Final

from hub.errors import BadFrameError, HubError, InvalidParamsError
from hub.protocol.frames import PRIORITIES, Execute, Hello, Watch

_BRACE: Final = ord("{")
_CACHES: Final = ("use", "refresh", "off")
_MOST_KEY: Final = 256
_MOST_TRACE: Final = 256
_MOST_MS: Final = 10**12

WANTED: Final = {
    "priority": "high, normal or low",
    "cache": "use, refresh or off",
    "linger_ms": "not supported by this hub",
    "credit": "not supported by this hub",
    "deadline_ms": "0 to 1,000,000,000,000 milliseconds",
    "progress_ms": "0 to 1,000,000,000,000 milliseconds",
    "key": "1 to 256 characters",
    "trace": "256 characters at most",
    "from": "0 or more",
    "attempt": "1 or more",
}
"""What the value of a field may be, for people."""


def wrong_in_hello(frame: Hello) -> HubError | None:
    """Return what is wrong with a `hello` whose types are right."""
    if frame.progress_ms is not None and not 0 <= frame.progress_ms <= _MOST_MS:
        return _out_of_range("progress_ms")
    return None


def wrong_in_execute(frame: Execute) -> HubError | None:
    """Return what is wrong with an `execute` whose types are right."""
    given = memoryview(frame.params)
    if given and given[0] != _BRACE:
        return BadFrameError("params: expected an object")
    field: str | None = None
    if frame.priority not in PRIORITIES:
        field = "priority"
    elif frame.cache not in _CACHES:
        field = "cache"
    elif frame.linger_ms is not None:
        field = "linger_ms"
    elif frame.credit is not None:
        field = "credit"
    else:
        field = _limited(frame)
    return None if field is None else _out_of_range(field)


def _limited(frame: Execute) -> str | None:
    """Return the name of a field that is too large or too long."""
    if frame.deadline_ms is not None and not 0 <= frame.deadline_ms <= _MOST_MS:
        return "deadline_ms"
    if frame.trace is not None and len(frame.trace) > _MOST_TRACE:
        return "trace"
    if frame.key is not None and not 0 < len(frame.key) <= _MOST_KEY:
        return "key"
    return None


def wrong_in_watch(frame: Watch) -> HubError | None:
    """Return what is wrong with a `watch` whose types are right."""
    field = None
    if frame.after < 0:
        field = "from"
    elif frame.attempt is not None and frame.attempt < 1:
        field = "attempt"
    elif frame.credit is not None:
        field = "credit"
    return None if field is None else _out_of_range(field)


def _out_of_range(field: str) -> InvalidParamsError:
    """Refuse the value of a field."""
    reason = WANTED[field]
    return InvalidParamsError(
        f"{field}: {reason}", detail={"field": field, "reason": reason}
    )
