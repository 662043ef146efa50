"""What each server frame must look like, field by field.

`check(frame)` is called for every frame of every test: a field without `?` in the
protocol is always present, one with `?` may be absent, and no other is ever sent.
"""

import re
from collections.abc import Callable, Mapping

from tests.blackbox.wire import Frame

Check = Callable[[object], bool]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
STATUSES = ("created", "running", "completed", "failed", "cancelled")
ENDED = STATUSES[2:]
# code: (retry, ran); None where it depends on the case.
ERRORS: dict[str, tuple[bool | None, str | None]] = {
    "bad_frame": (False, "no"),
    "unknown_type": (False, "no"),
    "unauthenticated": (False, "no"),
    "forbidden": (False, "no"),
    "unknown_command": (False, "no"),
    "not_found": (False, "maybe"),
    "key_conflict": (False, "no"),
    "frame_too_large": (False, "no"),
    "invalid_params": (False, "no"),
    "rate_limited": (True, "no"),
    "queue_full": (True, "no"),
    "draining": (True, "no"),
    "unavailable": (True, "no"),
    "storage_full": (True, "no"),
    "deadline_exceeded": (False, None),
    "cancelled": (False, None),
    "output_too_large": (False, "yes"),
    "poisoned": (False, "yes"),
    "plugin_error": (None, "yes"),
    "worker_lost": (True, "maybe"),
    "hub_restarted": (True, "maybe"),
    "internal": (True, "maybe"),
}
LATER = ("queue_full", "draining", "unavailable", "storage_full")


def text(value: object) -> bool:
    """Tell whether it is a string."""
    return isinstance(value, str)


def whole(value: object) -> bool:
    """Tell whether it is an integer from 0 up."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def number(value: object) -> bool:
    """Tell whether it is a number from 0 up."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def stamp(value: object) -> bool:
    """Tell whether it is a time in UTC, as text."""
    return isinstance(value, str) and RFC3339.fullmatch(value) is not None


def truth(value: object) -> bool:
    """Tell whether it is true or false."""
    return isinstance(value, bool)


def anything(_value: object) -> bool:
    """Accept any value."""
    return True


def table(value: object) -> bool:
    """Tell whether it is an object."""
    return isinstance(value, dict)


def name(value: object) -> bool:
    """Tell whether it may be a frame's id."""
    return (isinstance(value, str) or whole(value)) and value != ""


def ticket(value: object) -> bool:
    """Tell whether a string has room for 128 random bits."""
    return isinstance(value, str) and len(value) >= 22


def fraction(value: object) -> bool:
    """Tell whether it is a progress: 0.0 to 1.0."""
    return number(value) and isinstance(value, int | float) and value <= 1


def short(value: object) -> bool:
    """Tell whether a text for people keeps its limit of 2 KiB."""
    return isinstance(value, str) and len(value.encode()) <= 2048 + 8


def one_of(*values: str) -> Check:
    """Make a check for one of some words."""
    return lambda value: value in values


def null_or(check: Check) -> Check:
    """Make a check that lets null through, too."""
    return lambda value: value is None or check(value)


def texts(value: object) -> bool:
    """Tell whether it is a list of strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


FRAMES: dict[str, dict[str, Check]] = {
    "welcome": {
        "hub": text,
        "session?": text,
        "now": stamp,
        "principal": text,
        "scopes": texts,
        "expires_at?": stamp,
        "protocol": lambda value: value == 1,
        "limits": table,
        "heartbeat_ms": whole,
    },
    "opened": {
        "id": name,
        "task_id": ticket,
        "origin": one_of("new", "existing", "joined", "cached", "watch"),
        "from": whole,
        "attempt": whole,
        "head": whole,
        "floor": whole,
        "response": table,
    },
    "progress": {
        "task_id": ticket,
        "attempt": whole,
        "head": whole,
        "status": one_of(*STATUSES),
        "progress": null_or(fraction),
        "message": null_or(short),
        "step?": number,
        "total?": number,
        "position?": whole,
        "eta_ms?": number,
        "quiet_ms?": number,
        "retry_at?": stamp,
        "updated_at": stamp,
    },
    "chunk": {
        "task_id": ticket,
        "seq": whole,
        "at": number,
        "channel": text,
        "kind?": text,
        "data?": anything,
        "bin?": anything,
    },
    "reset": {
        "task_id": ticket,
        "seq": whole,
        "at": number,
        "attempt": whole,
        "reason": text,
    },
    "gap": {
        "task_id": ticket,
        "from": whole,
        "to": whole,
        "why": one_of("trimmed", "expired", "void", "skipped"),
        "attempt": whole,
    },
    "result": {"task_id": ticket, "seq": whole, "response": table, "result_url?": text},
    "ok": {"id": name},
    "pong": {"id": name},
    "error": {
        "id?": name,
        # Whatever was asked for.
        "task_id?": text,
        "code": one_of(*ERRORS),
        "message": text,
        "retry": truth,
        "ran": one_of("no", "yes", "maybe"),
        "retry_after_ms?": whole,
        "detail?": table,
    },
    "ping": {"now": stamp},
    "goaway": {"reason": text, "drain_ms": whole, "retry_after_ms": whole},
    "end": {},
}
RESPONSE: dict[str, Check] = {
    "task_id": ticket,
    "status": one_of(*STATUSES),
    "progress": null_or(fraction),
    "result": anything,
    "error": null_or(text),
    "created_at": stamp,
    "updated_at": stamp,
    "message": null_or(short),
    "metadata": table,
}
METADATA: dict[str, Check] = {
    "plugin": text,
    "command": text,
    "origin": one_of("new", "joined", "cached"),
    "attempt": whole,
    "queued_ms": null_or(number),
    "execution_time_ms": null_or(number),
    "started_at?": stamp,
    "cached_at?": stamp,
    "expires_at?": stamp,
    "chunks": whole,
    "failure?": table,
    "trace?": text,
    "request?": table,
    "principal?": text,
}
FAILURE: dict[str, Check] = {
    "code": one_of(*ERRORS),
    "retry": truth,
    "ran": one_of("no", "yes", "maybe"),
    "detail?": table,
}
REQUEST: dict[str, Check] = {
    "params": null_or(table),
    "priority": one_of("high", "normal", "low"),
    "deadline_ms": null_or(whole),
    "cache": one_of("use", "refresh", "off"),
}
LIMITS: dict[str, Check] = {
    "frame_bytes": null_or(whole),
    "watches": null_or(whole),
    "in_flight": null_or(whole),
    "executes_per_s": null_or(number),
}
EXECUTED: dict[str, Check] = {
    "plugin_name": text,
    "command": text,
    "result": anything,
    "success": truth,
    "error": null_or(text),
    "execution_time_ms": number,
}


def fields(value: Mapping[str, object], expected: Mapping[str, Check]) -> None:
    """Compare an object with a list of its fields.

    Raises:
        AssertionError: A field is missing, mistyped, or not of the protocol.
    """
    for entry, accept in expected.items():
        field = entry.removesuffix("?")
        if field in value:
            assert accept(value[field]), f"{field}={value[field]!r} in {value}"
        else:
            assert entry.endswith("?"), f"{field} is missing in {value}"
    extra = set(value) - {entry.removesuffix("?") for entry in expected}
    assert not extra, f"{extra} is not of the protocol: {value}"


def check(frame: Frame) -> None:
    """Check a server frame, and what it carries.

    Raises:
        AssertionError: It is not as the protocol says.
    """
    kind = frame["type"]
    assert kind in FRAMES, f"no frame of the protocol: {frame}"
    fields({k: v for k, v in frame.items() if k != "type"}, FRAMES[kind])
    more = CHECKS.get(kind)
    if more is not None:
        more(frame)


def response(value: Frame) -> None:
    """Check a TaskResponse."""
    fields(value, RESPONSE)
    metadata = value["metadata"]
    fields(metadata, METADATA)
    if "failure" in metadata:
        fields(metadata["failure"], FAILURE)
        _verdict(metadata["failure"])
    if "request" in metadata:
        fields(metadata["request"], REQUEST)
    if value["status"] in ENDED:
        _ended(value, metadata)


def _ended(value: Frame, metadata: Frame) -> None:
    assert ("failure" in metadata) == (value["status"] != "completed"), value
    if value["status"] == "completed":
        assert value["progress"] == 1, value
    else:
        assert value["result"] is None, value
    assert (value["error"] is None) == (value["status"] != "failed"), value
    if value["status"] == "cancelled":
        assert metadata["failure"]["code"] == "cancelled", value


def _verdict(value: Frame) -> None:
    retry, ran = ERRORS[value["code"]]
    assert retry is None or value["retry"] is retry, value
    assert ran is None or value["ran"] == ran, value


def _opened(frame: Frame) -> None:
    value = frame["response"]
    response(value)
    assert value["task_id"] == frame["task_id"]
    assert value["result"] is None, frame
    assert frame["attempt"] >= 1, frame
    own = frame["origin"] in ("existing", "joined", "watch")
    assert ("request" in value["metadata"]) == own, frame


def _result(frame: Frame) -> None:
    response(frame["response"])
    assert frame["response"]["task_id"] == frame["task_id"]
    assert "request" not in frame["response"]["metadata"], frame
    assert frame["response"]["status"] in ENDED, frame
    assert frame["seq"] >= 1, frame
    if "result_url" in frame:
        assert frame["response"]["result"] is None, frame
        assert not frame["result_url"].startswith("/"), frame


def _chunk(frame: Frame) -> None:
    assert ("data" in frame) != ("bin" in frame), frame
    assert frame["seq"] >= 1, frame
    if frame["channel"] == "log":
        fields(frame["data"], {"level": text, "logger?": text, "message": text})


def _error(frame: Frame) -> None:
    _verdict(frame)
    assert ("retry_after_ms" in frame) or frame["code"] not in LATER, frame


def _gap(frame: Frame) -> None:
    assert 1 <= frame["from"] <= frame["to"], frame


def _welcome(frame: Frame) -> None:
    fields(frame["limits"], LIMITS)


CHECKS: dict[str, Callable[[Frame], None]] = {
    "opened": _opened,
    "result": _result,
    "chunk": _chunk,
    "error": _error,
    "gap": _gap,
    "welcome": _welcome,
}
