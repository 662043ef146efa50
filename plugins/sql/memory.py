"""A bound on what a query's process takes, which the kernel holds it to.

The engine's own bound is for what it sorts, joins and gathers. What its functions make
is beyond it: `repeat('x', 2000000000)`, or a list of all numbers. Those run in one go,
and no interrupt reaches them.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STATE: Final = Path("/proc/self/statm")
"""What this process has, in pages; the sixth figure is what it may write to."""
MIB: Final = 1024 * 1024


def most_mib(memory_mib: int) -> int:
    """Return how much a query's process may take beyond what it began with.

    Whatever an engine with that much memory was seen to take, and half as much again:
    its allocator keeps what it has given back, and the rows are here, too.
    """
    return 2 * memory_mib + 256


@contextmanager
def bounded(mib: int) -> Iterator[None]:
    """Let this process take so much more memory, and then fail to get any.

    What counts is what is private and may be written to, not the address space, of
    which the engine reserves more than it uses. Where the kernel does not tell what
    there is (elsewhere than on Linux), there is no bound.

    Args:
        mib: Beyond what it has now, in MiB.
    """
    if not STATE.exists():
        yield
        return
    pages = int(STATE.read_text("ascii").split()[5])
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = pages * resource.getpagesize() + mib * MIB
    lower = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([most, *lower]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
