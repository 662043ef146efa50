"""Execute and stream in one HTTP call: the frames of the socket, as text blocks."""

from collections.abc import Generator, Iterator
from contextlib import closing

import httpx
import pytest

from tests.blackbox import shapes
from tests.blackbox.client import Client
from tests.blackbox.reader import Reader
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import Frame, blob, strict_json

STREAM = "/api/v1/execute/stream"


def _frames(answer: httpx.Response) -> Generator[Frame, None, None]:
    """Split a body into its frames as they come, and check each."""
    rest = ""
    for text in answer.iter_text():
        *blocks, rest = (rest + text).split("\n\n")
        for block in blocks:
            if block.startswith(":") or not block:
                continue
            assert block.startswith("data: "), block
            assert "\n" not in block, block
            frame = strict_json(block.removeprefix("data: "))
            # Only here nobody gave an id.
            checked = {**frame, "id": 0} if frame["type"] == "opened" else frame
            shapes.check(checked)
            yield frame
    assert rest == ""


def _whole(http: httpx.Client, body: object, **headers: str) -> list[Frame]:
    with http.stream("POST", STREAM, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        return list(_frames(answer))


def test_the_frames_of_the_socket_and_an_end(http: httpx.Client) -> None:
    """`opened` first, `{"type":"end"}` last, the client's rule in between."""
    body = {"plugin": "stream", "command": "count", "params": {"n": 5}}
    first, *middle, end = _whole(http, body)
    assert first["type"] == "opened"
    assert end == {"type": "end"}
    reader = Reader(first["task_id"])
    for frame in [first, *middle]:
        reader.apply(frame)
    assert reader.faults == []
    assert reader.output == [0, 1, 2, 3, 4]
    assert reader.value == 5


def test_bytes_are_base64(http: httpx.Client) -> None:
    """A text stream carries bytes as JSON does."""
    frames = _whole(http, {"plugin": "stream", "command": "kinds"})
    (image,) = [frame for frame in frames if "bin" in frame]
    assert blob(image) == b"\x89PNG\x00"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/event-stream", "text/event-stream"),
        ("application/json, text/event-stream;q=0.5", "text/event-stream"),
    ],
)
def test_the_content_type_follows_accept(
    http: httpx.Client, accept: str, kind: str
) -> None:
    """Plain text, unless `Accept` names an event stream; never cached."""
    body = {"plugin": "basic", "command": "noop"}
    headers = {"Accept": accept}
    with http.stream("POST", STREAM, json=body, headers=headers) as answer:
        list(_frames(answer))
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"plugin": "nobody", "command": "noop"}, "unknown_command"),
        ({"plugin": "basic", "command": "add"}, "invalid_params"),
        ({"plugin": "basic", "command": "noop", "credit": 5}, None),
        ({"plugin": "basic"}, "bad_frame"),
        ([], "bad_frame"),
    ],
)
def test_a_refusal_is_one_error_then_the_end(
    http: httpx.Client, body: object, code: str | None
) -> None:
    """Always 200: who streams learns everything from the stream."""
    frames = _whole(http, body)
    assert frames[-1] == {"type": "end"}
    if code is not None:
        (error, _) = frames
        assert (error["type"], error["code"]) == ("error", code)


def test_chunks_come_while_it_runs(
    http: httpx.Client, hub: HubProcess, client: Client, name: str
) -> None:
    """Each block leaves when it happens, not at the end."""
    body = {"plugin": "gate", "command": "walk", "params": {"name": name, "n": 2}}
    with (
        http.stream("POST", STREAM, json=body) as answer,
        closing(_frames(answer)) as frames,
    ):
        assert _next_chunk(frames) == "began"
        client.run("gate", "step", {"name": name})
        assert _next_chunk(frames) == 0
        client.run("gate", "step", {"name": name})
        assert list(frames)[-1] == {"type": "end"}


def _next_chunk(frames: Iterator[Frame]) -> object:
    for frame in frames:
        if frame["type"] == "chunk":
            return frame["data"]
    raise AssertionError("no chunk")


def test_a_reader_that_leaves_does_not_end_the_task(
    http: httpx.Client, client: Client, name: str
) -> None:
    """A closed stream is no cancel."""
    body = {"plugin": "gate", "command": "walk", "params": {"name": name, "n": 1}}
    with http.stream("POST", STREAM, json=body) as answer:
        frames = _frames(answer)
        task_id = next(frames)["task_id"]
    client.run("gate", "step", {"name": name})
    assert client.finish(client.watch(task_id)).value == 1


def test_a_failed_task_ends_the_stream_with_its_result(http: httpx.Client) -> None:
    """A failure is a result like any other."""
    frames = _whole(http, {"plugin": "basic", "command": "boom"})
    assert frames[-1] == {"type": "end"}
    assert frames[-2]["response"]["status"] == "failed"


def test_a_key_makes_the_stream_resumable(http: httpx.Client, name: str) -> None:
    """The same call again reads the same task from the start."""
    body = {
        "plugin": "cachy",
        "command": "uncached",
        "params": {"name": name},
        "key": name,
    }
    first, again = _whole(http, body), _whole(http, body)
    assert again[0]["origin"] == "existing"
    assert again[0]["task_id"] == first[0]["task_id"]
    assert again[-2] == first[-2]


def test_chunks_may_be_left_out(http: httpx.Client) -> None:
    """`chunks: false` holds here, too."""
    body = {
        "plugin": "stream",
        "command": "count",
        "params": {"n": 5},
        "chunks": False,
    }
    kinds = [f["type"] for f in _whole(http, body) if f["type"] != "progress"]
    assert kinds == ["opened", "gap", "result", "end"]
