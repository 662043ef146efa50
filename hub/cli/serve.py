"""``taskhub serve``: start the hub."""

import asyncio
import gc
import ipaddress
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import click

from hub.app import app_of
from hub.cli import logs
from hub.cli.commands import Command
from hub.cli.escaping import escape
from hub.cli.exits import CommandError, say
from hub.cli.output import put
from hub.cli.server import loop_factory, server_of
from hub.errors import HubError
from hub.node import Node
from hub.registry import Registry
from hub.settings import Settings, load_with_origins
from hub.version import VERSION

KeepUp = Callable[[Registry], AbstractAsyncContextManager[None]]
"""What reloads the plugins of a registry as long as its context lasts."""

logger = logging.getLogger("hub.cli")

MOMENT_S: Final = 0.1
"""How long a thread may take to end that has been told to."""
USAGE: Final = 2
"""The exit code of a hub that cannot start as it was asked to."""


@click.command(cls=Command)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.  [default: 8765]",
)
@click.option("--data", type=click.Path(file_okay=False), help="The data folder.")
@click.option(
    "--engine", type=click.Choice(["sqlite", "memory"]), help="Where tasks are kept."
)
@click.option(
    "--plugins",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="A folder of plugins; may be given several times.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False),
    help="A TOML file of settings.",
)
@click.option("--strict", is_flag=True, help="Refuse to start with a broken plugin.")
@click.option("--reload", is_flag=True, help="Reload plugins when their code changes.")
@click.option(
    "--insecure",
    is_flag=True,
    help="Listen beyond this machine although nobody has to say who they are.",
)
def command(config: str | None, **options: object) -> None:
    """Start the hub, with its page and its plugins."""
    logs.configure()
    try:
        keep_up = _reloading() if options["reload"] else None
        settings = _settings(config, options, os.environ)
        with _listen(settings) as listener:
            _run(settings, listener, keep_up)
    except HubError as error:
        raise _StartError(error.message) from None


def _reloading() -> KeepUp:
    """Return what keeps plugins as they are in their files."""
    try:
        from hub.cli.reload import reloading
    except ModuleNotFoundError as error:
        if error.name != "watchfiles":
            raise
        raise _StartError(
            "--reload needs watchfiles: pip install 'taskhub[dev]'"
        ) from None
    return reloading


def _run(
    settings: Settings, listener: socket.socket, keep_up: KeepUp | None = None
) -> None:
    """Serve, and leave when that is over, whatever plugins still do.

    Closing the loop waits for coroutines that swallow their cancellation and for the
    threads of executors, and the interpreter waits for threads. By then everything
    that was shown is in the store, so the wait has a bound.
    """
    runner = asyncio.Runner(loop_factory=loop_factory())
    code = USAGE
    try:
        runner.run(_serve(settings, listener, keep_up))
        code = 0
    finally:
        patience = threading.Timer(settings.timing.grace_s, _leave, (code,))
        patience.daemon = True
        patience.start()
        runner.close()
        if not _held_up():
            patience.cancel()


def _held_up() -> bool:
    """Whether the interpreter would wait for a thread that a plugin has started."""
    ours = threading.main_thread(), threading.current_thread()
    theirs = [t for t in threading.enumerate() if not t.daemon and t not in ours]
    for thread in theirs:
        thread.join(MOMENT_S)  # it may have been told to end just now
    return any(thread.is_alive() for thread in theirs)


def _leave(code: int) -> None:
    """End the process although something in it goes on."""
    logger.warning("a plugin's coroutine or thread did not stop; the hub leaves it")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _StartError(click.ClickException):
    """The hub cannot start as it was asked to."""

    exit_code = USAGE


def read_settings(
    config: str | None, options: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[Settings, dict[str, str]]:
    """Gather the settings, and where each came from.

    Raises:
        ConfigError: A source cannot be read, or holds what is no setting.
    """
    path = Path(config) if config else None
    overrides = {
        "server.host": options["host"],
        "server.port": options["port"],
        "server.insecure": options["insecure"] or None,
        "store.data": options["data"],
        "store.engine": options["engine"],
        "plugins.strict": options["strict"] or None,
    }
    found = load_with_origins(path, environ, overrides)
    given = options["plugins"]
    if isinstance(given, tuple) and given:
        paths = (*given, *found[0].plugins.paths)
        overrides["plugins.paths"] = paths
        found = load_with_origins(path, environ, overrides)
    return found


def _settings(
    config: str | None, options: Mapping[str, object], environ: Mapping[str, str]
) -> Settings:
    """Gather the settings, and check that they are safe together."""
    settings, _ = read_settings(config, options, environ)
    host = settings.server.host
    if not _is_loopback(host):
        if not settings.server.insecure:
            raise _StartError(
                f"refused to listen on {host}: without authentication anyone who "
                "reaches this address could run commands; use --host 127.0.0.1, or "
                "--insecure if that is what you want"
            )
        text = f"INSECURE: anyone who reaches {host} may run every command of this hub."
        say(click.style(text, fg="white", bg="red", bold=True), colours=True)
    return settings


def _is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(settings: Settings) -> socket.socket:
    """Take the address before anything else is started."""
    host, port = settings.server.host.strip("[]"), settings.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise _StartError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; "
            "choose another address with --host and --port"
        ) from None


def data_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return where the data is: as chosen, or at the platform's usual place."""
    if settings.store.data is not None:
        return Path(settings.store.data)
    home = environ.get("XDG_DATA_HOME")
    base = Path(home) if home else Path.home() / ".local" / "share"
    return base / "taskhub"


async def _serve(
    settings: Settings, listener: socket.socket, keep_up: KeepUp | None
) -> None:
    """Serve until the hub is told to stop."""
    watchful = keep_up is not None
    async with AsyncExitStack() as stack:
        folder = data_folder(settings, os.environ)
        node = Node(settings, folder, watchful=watchful)
        await stack.enter_async_context(node)
        if keep_up is not None:
            await stack.enter_async_context(keep_up(node.registry))
        gc.collect()
        gc.freeze()
        # The default thresholds walk every task in memory again and again.
        gc.set_threshold(50_000, 25, 100)

        def listening() -> None:
            _announce(node, listener)

        server = server_of(node, app_of(node), listening)
        with suppress(KeyboardInterrupt):
            await server.serve(sockets=[listener])


def _announce(node: Node, listener: socket.socket) -> None:
    """Say where the hub is, and what it offers."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    lines = [f"taskhub {VERSION} on http://{shown}:{port}"]
    for report in node.registry.plugins():
        commands = ", ".join(
            f"{each.name} (refused)" if isinstance(each.refused, str) else each.name
            for each in report.commands
        )
        lines.append(
            f"  {report.name} {report.version} ({report.source}): {commands or 'any'}"
        )
    for refusal in node.registry.refused():
        where = refusal.file
        if refusal.line is not None:
            where += f":{refusal.line}"
        lines.append(f"  {refusal.name} ({where}): refused: {refusal.reason}")
    try:
        put("".join(f"{escape(line)}\n" for line in lines))
    except CommandError as error:  # it serves, whether that can be said or not
        error.show()
