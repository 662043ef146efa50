"""Importing what a command needs, so that Ctrl-C ends it without a traceback."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def abrupt() -> Iterator[None]:
    """Let Ctrl-C end the process at once: nothing has begun that could be cleaned up.

    An interrupt that is raised inside an import comes out as anything.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
