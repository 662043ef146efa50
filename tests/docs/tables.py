"""The parts of the pages that are made from code."""

from typing import get_args

import msgspec

from hub import events
from hub.protocol import frames
from hub.tasks import MOVES

OURS: dict[str, type[msgspec.Struct]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(frames.AnyClientFrame)
}
"""Frames from clients, by type."""
HUBS: dict[str, type[msgspec.Struct]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        *(frames.Welcome, frames.OpenedFrame),
        *(events.Progress, events.Chunk, events.Reset, events.Gap, events.Result),
        *(frames.Ok, frames.Pong, frames.ErrorFrame),
        *(frames.Heartbeat, frames.Goaway, frames.StreamEnd),
    )
}
"""Frames from the hub, by type."""


def wire_fields(struct: type[msgspec.Struct]) -> list[str]:
    """Name the fields of a struct as on the wire: with `?` where one may be absent.

    What has a default may be left out by a client; the hub leaves out what is unset.
    """
    ours = issubclass(struct, frames.ClientFrame)
    return [
        f"{field.encode_name}?"
        if not field.required and (ours or field.default is msgspec.UNSET)
        else field.encode_name
        for field in msgspec.structs.fields(struct)
    ]


def table_of_frames() -> str:
    """Return the table of all frames."""
    lines = ["| frame | from | struct | fields |", "|---|---|---|---|"]
    for who, structs in (("client", OURS), ("hub", HUBS)):
        for name, struct in structs.items():
            fields = ", ".join(wire_fields(struct))
            lines.append(f"| `{name}` | {who} | `{struct.__name__}` | {fields} |")
    return "\n".join([*lines, ""])


def diagram_of_states() -> str:
    """Return the diagram of a task's states."""
    order = list(MOVES)
    lines = ["stateDiagram-v2", f"    [*] --> {order[0].value}"]
    for status in order:
        following = sorted(MOVES[status], key=order.index)
        lines += [f"    {status.value} --> {each.value}" for each in following]
    lines += [f"    {status.value} --> [*]" for status in order if status.ended]
    return "\n".join([*lines, ""])
