"""``python -m hub`` is ``taskhub``."""

import signal


def main() -> None:
    """Run the program; Ctrl-C while it is being loaded ends it without a traceback."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hub.cli import main as taskhub

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    taskhub()


if __name__ == "__main__":
    main()
