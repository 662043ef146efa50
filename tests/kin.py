"""Processes as the machine sees them: who is there, whose child, with what open."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether there is such a process, and it is more than a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def parent(pid: int) -> int:
    """Return the parent of a process; 0 where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def descendants(pid: int) -> set[int]:
    """Return all that a process has started, and what those have, that lives."""
    everybody = [
        int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()
    ]
    parents = {each: parent(each) for each in everybody}
    found = {pid}
    while more := {each for each, by in parents.items() if by in found} - found:
        found |= more
    return {each for each in found - {pid} if alive(each)}


def sockets(pid: int) -> set[str]:
    """Return the sockets that a process has open, as the kernel names them."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def gone(pids: Iterable[int], within: float) -> float:
    """Wait until processes are gone; return how long that took, in seconds.

    Raises:
        AssertionError: One is there still.
    """
    pids = list(pids)
    return until(lambda: not any(alive(pid) for pid in pids), within, pids)


def until(holds: Callable[[], object], within: float, about: object = "") -> float:
    """Wait until something holds that only looking can tell; return how long it took.

    Raises:
        AssertionError: It does not hold in time.
    """
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > within:
            raise AssertionError(f"not within {within} s: {about}")
        os.sched_yield()
        time.sleep(0.002)
    return time.monotonic() - begun
