"""The rows of the table: which figures they compare, and what is wanted of them.

Floors must hold; aims are what is hoped for. Rows without either are there to be read
beside the others. `python -m bench --help` names the numbers.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

from bench.costs import context, run, start
from bench.fanout import fanout
from bench.memory import frozen, idle
from bench.processes import processes
from bench.scale import Figures, Scale
from bench.throughput import cached, chunks, deep, many, serial

Family = Callable[[Scale], Awaitable[Figures]]

# How python-socketio's call with acknowledgement and a tuned Redis queue compare with
# the echo 64 deep, and Celery on Redis with the echo's serial p50. They were measured
# once, side by side with an echo; rows that divide by them are derived, and say so.
SOCKETIO, REDIS_QUEUE, CELERY_SERIAL = 0.20, 0.02, 15.4


class Row(Struct, frozen=True, kw_only=True):
    """A row.

    Attributes:
        number: of the goal it belongs to.
        what: in words.
        family: what measures it.
        figure: that is shown.
        against: the figure it is compared with, if any.
        how: `ratio`, `difference`, or `alone` where nothing is compared.
        scale: what the comparison is divided by, in a derived row.
        unit: of the figures.
        cpu: figures per CPU second of the server, for the second ratio.
        floor, aim: what is wanted of the comparison.
        more: whether more is better.
    """

    number: int
    what: str
    family: Family
    figure: str
    against: str | None = None
    how: Literal["ratio", "difference", "alone"] = "ratio"
    scale: float = 1.0
    unit: str = "/s"
    cpu: bool = False
    floor: float | None = None
    aim: float | None = None
    more: bool = True


def _rate(number: int, what: str, family: Family, load: str, *wanted: float) -> Row:
    """Make a row of a load's rate in echoes; `wanted` is floor and aim, or nothing."""
    floor, aim = wanted or (None, None)
    return Row(
        number=number,
        what=what,
        family=family,
        figure=f"{load}.rate",
        against=f"{load}.echo.rate",
        cpu=True,
        floor=floor,
        aim=aim,
    )


def _wait(number: int, what: str, load: str, *wanted: float) -> Row:
    """Make a row of a serial load's median latency in echoes."""
    floor, aim = wanted or (None, None)
    return Row(
        number=number,
        what=what,
        family=serial,
        figure=f"{load}.p50",
        against=f"{load}.echo.p50",
        unit=" ms",
        cpu=True,
        floor=floor,
        aim=aim,
        more=False,
    )


def _age(number: int, what: str, load: str, *wanted: float) -> Row:
    """Make a row of how old a feed's frames are, at the 99th percentile."""
    return Row(
        number=number,
        what=what,
        family=fanout,
        figure=f"{load}.p99",
        how="alone",
        unit=" ms",
        floor=wanted[0],
        aim=wanted[1],
        more=False,
    )


def _fanout_cpu(what: str, load: str) -> Row:
    """Make a row of the CPU time a delivered frame takes, beside the plain loop's."""
    return Row(
        number=7,
        what=what,
        family=fanout,
        figure=f"{load}.cpu",
        against="fanout.plain.cpu",
        unit=" µs",
        floor=1.8,
        aim=1.0,
        more=False,
    )


def _call(what: str, figure: str, floor: float, aim: float) -> Row:
    """Make a row of what a call of the context costs."""
    return Row(
        number=11,
        what=what,
        family=context,
        figure=figure,
        how="alone",
        unit=" µs",
        floor=floor,
        aim=aim,
        more=False,
    )


def _process(
    what: str, figure: str, floor: float | None = None, aim: float | None = None
) -> Row:
    """Make a row of how long a command in a process takes."""
    return Row(
        number=12,
        what=what,
        family=processes,
        figure=figure,
        how="alone",
        unit=" ms",
        floor=floor,
        aim=aim,
        more=False,
    )


ROWS: tuple[Row, ...] = (
    _wait(1, "cached, serial p50, memory", "serial.cached.memory", 1.4, 1.1),
    _wait(1, "cached, serial p50, SQLite", "serial.cached.sqlite", 1.4, 1.1),
    _rate(2, "cached, 64 deep, memory", cached, "deep.cached.memory", 0.9, 1.5),
    _rate(2, "… array", cached, "deep.cached.memory.array", 1.2, 3),
    _rate(2, "cached, 64 deep, SQLite", cached, "deep.cached.sqlite", 0.9, 1.5),
    _rate(2, "… array", cached, "deep.cached.sqlite.array", 1.2, 3),
    _wait(3, "no-op, serial p50, SQLite", "serial.noop.sqlite"),
    _rate(3, "no-op, 64 deep, SQLite", deep, "deep.noop.sqlite", 0.3, 0.5),
    _rate(3, "… array", deep, "deep.noop.sqlite.array", 0.35, 0.8),
    Row(
        number=3,
        what="tasks per transaction, 64 deep, SQLite (two statements each)",
        family=deep,
        figure="deep.noop.sqlite.grouped",
        how="alone",
        unit="",
    ),
    _rate(3, "no-op, {connections} connections, SQLite", many, "many.noop.sqlite"),
    _wait(4, "no-op, serial p50, memory", "serial.noop.memory"),
    _rate(4, "no-op, 64 deep, memory", deep, "deep.noop.memory", 0.5, 0.8),
    _rate(4, "… array", deep, "deep.noop.memory.array", 0.6, 1.2),
    _rate(
        4,
        "no-op, {connections} connections, memory",
        many,
        "many.noop.memory",
        0.35,
        0.6,
    ),
    Row(
        number=5,
        what="row 3 single / python-socketio call with ack (derived)",
        family=deep,
        figure="deep.noop.sqlite.rate",
        against="deep.noop.sqlite.echo.rate",
        scale=SOCKETIO,
        floor=1.5,
        aim=3,
    ),
    Row(
        number=5,
        what="row 3 single / best tuned Redis queue (derived)",
        family=deep,
        figure="deep.noop.sqlite.rate",
        against="deep.noop.sqlite.echo.rate",
        scale=REDIS_QUEUE,
        floor=10,
        aim=25,
    ),
    Row(
        number=5,
        what="no-op, serial p50, SQLite / Celery on Redis (derived)",
        family=serial,
        figure="serial.noop.sqlite.p50",
        against="serial.noop.sqlite.echo.p50",
        scale=CELERY_SERIAL,
        unit=" ms",
        floor=1 / 4,
        aim=1 / 8,
        more=False,
    ),
    _rate(6, "chunks to one client, memory", chunks, "chunks.memory", 5, 10),
    _rate(6, "chunks to one client, SQLite", chunks, "chunks.sqlite", 3.5, 6),
    _age(7, "{watchers} watchers, p99 of chunks", "fanout.watch.chunk", 50, 25),
    _age(7, "… of progress", "fanout.watch.progress", 150, 120),
    _fanout_cpu("… CPU a chunk / plain send loop", "fanout.watch.chunk"),
    _age(7, "{watchers} joined tasks, p99 of chunks", "fanout.joined.chunk", 50, 25),
    _age(7, "… of progress", "fanout.joined.progress", 150, 120),
    _fanout_cpu("… CPU a chunk / plain send loop", "fanout.joined.chunk"),
    Row(
        number=8,
        what="idle session beyond the bare Starlette socket",
        family=idle,
        figure="idle.hub.kib",
        against="idle.bare.kib",
        how="difference",
        unit=" KiB",
        floor=6,
        aim=0,
        more=False,
    ),
    Row(
        number=8,
        what="frozen watcher, each of {watchers}",
        family=frozen,
        figure="frozen.kib",
        how="alone",
        unit=" KiB",
        floor=64,
        more=False,
    ),
    Row(
        number=9,
        what="full / normal durability, 64 deep",
        family=deep,
        figure="deep.noop.full.rate",
        against="deep.noop.sqlite.rate",
        floor=0.6,
        aim=0.9,
    ),
    Row(
        number=10,
        what="others' serial p95 beside {watchers} frozen clients",
        family=frozen,
        figure="frozen.beside.p95",
        against="frozen.calm.p95",
        unit=" ms",
        floor=1.2,
        aim=1.0,
        more=False,
    ),
    _call("ctx.progress(), async", "context.async.progress", 1, 0.3),
    _call("await ctx.chunk() of 100 bytes, async", "context.async.chunk", 6, 2.5),
    _call("ctx.chunk() of 100 bytes, from a thread", "context.thread.chunk", 15, 5),
    _call("ctx.progress(), from a thread", "context.thread.progress", 15, 5),
    Row(
        number=12,
        what="start to listening",
        family=start,
        figure="start.s",
        how="alone",
        unit=" s",
        floor=0.6,
        aim=0.3,
        more=False,
    ),
    Row(
        number=12,
        what="`taskhub run` of a no-op, whole process",
        family=run,
        figure="run.s",
        how="alone",
        unit=" s",
        floor=0.35,
        aim=0.2,
        more=False,
    ),
    _process("no-op in a process, warm, p50", "process.warm.p50", 20, 5),
    _process("… one behind the other", "process.serial.p50"),
    _process("… without a spare", "process.made.p50"),
    _process("… the first, as the hub starts", "process.first"),
)
