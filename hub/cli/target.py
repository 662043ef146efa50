"""Which hub a command of the terminal speaks to, and who it says it is."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from hub.cli.exits import CommandError, Exit
from hub.client.address import DEFAULT, Address, resolve
from hub.errors import ConfigError

RECONNECT_S: Final = 60.0
TOKEN_CHARACTERS: Final = 16 * 1024
"""What a token may have at most: those of identity providers have a few thousand."""


class Target(Struct, frozen=True, kw_only=True):
    """A hub as it is reached.

    Attributes:
        address: Where it is, and who asks.
        reconnect_for: For how many seconds a hub that is away is looked for.
    """

    address: Address
    reconnect_for: float = RECONNECT_S

    @property
    def shown(self) -> str:
        """Its address, for people."""
        return self.address.shown

    def __repr__(self) -> str:
        """Leave out the token."""
        return f"Target({self.shown})"


def target_options() -> list[click.Parameter]:
    """Return the options that say where the hub is."""
    return [
        click.Option(
            ["--url"],
            metavar="URL",
            help="Where the hub is.  "
            f"[default: the variable TASKHUB_URL, else {DEFAULT}]",
        ),
        click.Option(
            ["--token-file"],
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Read the token from a file; - is standard input.  "
            "[default: the variable TASKHUB_TOKEN]",
        ),
    ]


def ids_argument() -> click.Parameter:
    """Return the argument that names tasks."""
    return click.Argument(["ids"], nargs=-1, required=True, metavar="ID...")


def reconnect_option() -> click.Parameter:
    """Return the option that says how long a lost connection is tried again."""
    return click.Option(
        ["--reconnect-for"],
        type=click.FloatRange(0),
        default=RECONNECT_S,
        metavar="SECONDS",
        show_default=True,
        help="How long to try again when the connection is lost, or no hub is there.",
    )


def target_of(
    options: Mapping[str, object], environ: Mapping[str, str] | None = None
) -> Target:
    """Return the hub that options and environment name.

    Args:
        options: Of the command line: `url`, `token_file`, `reconnect_for`.
        environ: Where TASKHUB_URL and TASKHUB_TOKEN are; the process's by default.

    Raises:
        CommandError: The address is none, or the token cannot be read.
    """
    environ = os.environ if environ is None else environ
    given = str(options.get("url") or environ.get("TASKHUB_URL") or DEFAULT)
    whole = given if "://" in given else f"ws://{given}"
    if not whole.isascii() or not whole.isprintable() or " " in whole:
        raise CommandError(
            f"{whole} has characters that no address has; write it like {DEFAULT}",
            Exit.USAGE,
        )
    try:
        address = resolve(whole, _token(options.get("token_file"), environ), {})
    except ConfigError as error:
        raise CommandError(error.message, Exit.USAGE) from None
    wait = options.get("reconnect_for")
    return Target(
        address=address,
        reconnect_for=wait if isinstance(wait, float) else RECONNECT_S,
    )


def _token(file: object, environ: Mapping[str, str]) -> str | None:
    """Return the token: of the file, else of the environment."""
    if file is None:
        text, source = environ.get("TASKHUB_TOKEN", ""), "TASKHUB_TOKEN"
    else:
        text, source = _read(str(file)), str(file)
    token = text.strip()
    if not token:
        if file is None:
            return None
        raise CommandError(f"{source} holds no token", Exit.USAGE)
    if len(token) > TOKEN_CHARACTERS or not token.isascii() or not token.isprintable():
        raise CommandError(f"{source} holds something that is no token", Exit.USAGE)
    return token


def _read(file: str) -> str:
    """Return what a file, or standard input, begins with."""
    try:
        if file == "-":
            if sys.stdin is None:
                raise CommandError("standard input is closed", Exit.USAGE)
            return sys.stdin.read(TOKEN_CHARACTERS + 1)
        with Path(file).open(encoding="utf-8") as stream:
            return stream.read(TOKEN_CHARACTERS + 1)
    except OSError as error:
        raise CommandError(
            f"{file}: cannot be read: {error.strerror or error}", Exit.USAGE
        ) from None
    except ValueError:
        raise CommandError(
            f"{file} holds something that is no token", Exit.USAGE
        ) from None
