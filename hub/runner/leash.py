"""What the kernel is asked for so that no process gets away.

Linux ends a process with its parent (PDEATHSIG) and gives orphans to whoever asked for
them (a *subreaper*). Elsewhere both are missing: there a process sees by the end of its
socket that the hub is gone, and only what stays in its group can be ended with it.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from hub.runner.letters import Limits

LINUX: Final = sys.platform == "linux"
SECRETS: Final = ("TOKEN", "SECRET", "PASSWORD", "KEY")
"""What the names of variables with secrets have in them."""
_OURS: Final = "TASKHUB__"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without the hub's settings and without secrets."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_OURS)
        and not any(word in name.upper() for word in SECRETS)
    }


def end_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have a signal sent to this process when its parent ends.

    Args:
        parent: The parent's process id; one that is gone already is noticed.
        by: The signal.
    """
    _prctl(_PR_SET_PDEATHSIG, by)
    if parent != os.getppid():
        os.kill(os.getpid(), by)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    """Return the process ids of this process's children; none where unknown."""
    found: list[int] = []
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, thread.read_text().split())
    return found


def kill_group(leader: int, by: int) -> bool:
    """Send a signal to a process group; return whether there was one."""
    try:
        os.killpg(leader, by)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def bind(limits: Limits) -> None:
    """Put this process, and what it starts, under its limits.

    No core is dumped, since writing it may take longer than the process had to live,
    and where memory runs out the kernel is told to take this process and not the hub.
    """
    _limit(resource.RLIMIT_CORE, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_NOFILE, limits.files),
    ):
        if most:
            _limit(kind, most)


def _limit(kind: int, most: int) -> None:
    """Lower a limit; one that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (least, hard))


def _prctl(option: int, argument: int) -> None:
    """Ask the kernel for something about this process; elsewhere do nothing."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, int(argument), 0, 0, 0)
