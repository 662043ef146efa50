"""How much a round does: full size to measure, tiny to see that a row still runs."""

from msgspec import Struct

Figures = dict[str, float]

DISTURBED = 0.1
"""How many cores other programs may take while something is measured."""


class Scale(Struct, frozen=True, kw_only=True):
    """The size of a round.

    Attributes:
        window: seconds to warm up and to measure, for each load.
        connections: of the row with many connections.
        tries: how often a pair is measured at most, where other programs disturb it.
        watchers: of the fan-out, the idle and the frozen rows.
        fanout_s: seconds of a feed that are measured.
        chunks: in one run of the chunks row.
        backlog: chunks of 4 KiB that every frozen client has not read.
        fill_s: seconds until the buffers of frozen clients are full; well below the 20
            seconds after which the hub closes them.
        calls: of each function of the context, to find its cost.
        programs: of the command line, whose median time counts.
        runs: of a command in a process.
    """

    window: tuple[float, float] = (0.3, 1.0)
    connections: int = 100
    tries: int = 3
    watchers: int = 1000
    fanout_s: float = 3.0
    chunks: int = 20_000
    backlog: int = 2048
    fill_s: float = 8.0
    calls: int = 20_000
    programs: int = 7
    runs: int = 60


TINY = Scale(
    window=(0.05, 0.2),
    connections=5,
    tries=1,
    watchers=10,
    fanout_s=0.5,
    chunks=100,
    backlog=32,
    fill_s=0.5,
    calls=200,
    programs=1,
    runs=5,
)
