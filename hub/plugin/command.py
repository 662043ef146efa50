"""`@command` and its options.

The decorator only marks a method; what the mark means is worked out when the plugin is
loaded. Options are checked at once, so that the traceback shows the line.
"""

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypedDict,
    TypeVar,
    Unpack,
    overload,
)

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from hub.plugin.contract import NAME
from hub.plugin.errors import CommandOptionsError

MARK: Final = "__taskhub_command__"
"""The attribute of a function that `@command` sets to its options."""

# Any: the parameters of methods differ, and the decorator changes nothing about them.
Method = TypeVar("Method", bound=Callable[..., Any])

Isolation = Literal["async", "thread", "process"]


class Options(TypedDict, total=False):
    """The options of `@command`, as type checkers see them."""

    name: str
    ttl: float | bool | None
    unit: str | None
    public: bool
    localized: bool
    join: bool
    isolation: Isolation
    timeout: float
    idempotent: bool
    retries: int
    backoff: tuple[float, ...]
    retry_on: tuple[type[BaseException], ...]
    concurrency: int | None
    keep: Literal["all", "tail"]
    pool: str


class CommandOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of one command, checked.

    Attributes:
        name: The command's name; None for the method's.
        ttl: Seconds in the cache; True for the hub's default; None for never.
        unit: The parameter that ends the readable cache key.
        public: Whether results may be shared between principals.
        localized: Whether the command reads `ctx.locale`.
        join: Whether identical running requests share one run; unset: if `ttl` is set.
        isolation: Where it runs; unset: by `def` or `async def`.
        timeout: Seconds for one attempt; unset: the hub's default.
        idempotent: Whether it may be run again after a crash.
        retries: How many further attempts.
        backoff: Seconds before each of them.
        retry_on: Exceptions that ask for one.
        concurrency: Runs at once per node.
        keep: What an endless log keeps.
        pool: Which workers run it.
    """

    name: str | None = None
    ttl: float | bool | None = None
    unit: str | None = None
    public: bool = False
    localized: bool = False
    join: bool | UnsetType = UNSET
    isolation: Isolation | UnsetType = UNSET
    timeout: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    idempotent: bool = False
    retries: Annotated[int, Meta(ge=0)] = 0
    backoff: tuple[Annotated[float, Meta(ge=0)], ...] = (1, 5, 25)
    retry_on: Any = ()  # exception types, which msgspec has no word for
    concurrency: Annotated[int, Meta(ge=1)] | None = None
    keep: Literal["all", "tail"] = "all"
    pool: str = "default"


class Defaults(Struct, frozen=True, kw_only=True):
    """What the hub's settings say where a command says nothing.

    Attributes:
        ttl_s: What `ttl=True` means.
        timeout_s: What no `timeout` means.
    """

    ttl_s: float = 300.0
    timeout_s: float = 300.0


@overload
def command(function: Method, /) -> Method: ...


@overload
def command(**options: Unpack[Options]) -> Callable[[Method], Method]: ...


def command(function: Method | None = None, /, **options: object) -> object:
    """Mark a method of a `Plugin` as a command; `@command` or `@command(ttl=300)`.

    Raises:
        CommandOptionsError: An option is unknown, or its value does not fit.
    """
    checked = options_of(options, "@command")

    def mark(method: Method) -> Method:
        if not inspect.isfunction(method):
            raise CommandOptionsError(
                f"@command marks a function, not {type(method).__name__}: "
                "put it below other decorators"
            )
        setattr(method, MARK, checked)
        return method

    return mark if function is None else mark(function)


def options_of(options: Mapping[str, object], where: str) -> CommandOptions:
    """Check options, wherever they were given.

    Raises:
        CommandOptionsError: One is unknown, or its value does not fit.
    """
    known = CommandOptions.__struct_fields__
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise CommandOptionsError(f"{where} has no option {key!r}{hint}")
    try:
        checked = msgspec.convert(dict(options), CommandOptions)
    except msgspec.ValidationError as error:
        said, _, path = str(error).rpartition(" - at `$.")
        raise CommandOptionsError(f"{where}: {path.rstrip('`')}: {said}") from None
    trouble = _trouble(checked)
    if trouble is not None:
        raise CommandOptionsError(f"{where}: {trouble}")
    return checked


def _trouble(options: CommandOptions) -> str | None:
    """Return what types cannot say about options."""
    ttl, name, kinds = options.ttl, options.name, options.retry_on
    wrong = {
        "ttl: expected seconds above 0, True, or None for never": (
            ttl is not None and (ttl is False or not 0 < ttl < math.inf)
        ),
        "timeout: expected a finite number of seconds": (
            options.timeout is not UNSET and not options.timeout < math.inf
        ),
        f"name: {name!r} does not match {NAME.pattern}": (
            name is not None and not NAME.fullmatch(name)
        ),
        f"pool: {options.pool!r} does not match {NAME.pattern}": (
            not NAME.fullmatch(options.pool)
        ),
        "retry_on: expected a tuple of exception classes": not (
            isinstance(kinds, tuple) and all(_is_exception(kind) for kind in kinds)
        ),
    }
    return next((text for text, is_wrong in wrong.items() if is_wrong), None)


def _is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


def not_served(options: CommandOptions) -> str | None:
    """Return why this version of the hub does not run such a command, or None."""
    asked = {
        "retries": options.retries > 0,
        "retry_on": bool(options.retry_on),
        'keep="tail"': options.keep == "tail",
    }
    named = [option for option, is_asked in asked.items() if is_asked]
    if not named:
        return None
    return f"this version of the hub does not serve {', '.join(named)}"


def resolved(
    options: CommandOptions, defaults: Defaults, *, awaits: bool
) -> dict[str, Any]:  # fields of a CommandSpec, whose types differ
    """Return the options as fields of a CommandSpec.

    Args:
        options: As declared.
        defaults: What the hub's settings say.
        awaits: Whether the function is `async def`.

    Raises:
        ValueError: The isolation does not fit the kind of function.
    """
    isolation = options.isolation
    if isolation is UNSET:
        isolation = "async" if awaits else "thread"
    if isolation != "process" and awaits != (isolation == "async"):
        kind = "async def" if awaits else "def"
        raise ValueError(f"isolation={isolation!r} does not fit a `{kind}`")
    ttl = defaults.ttl_s if options.ttl is True else options.ttl
    return {
        "ttl": ttl,
        "unit": options.unit,
        "public": options.public,
        "localized": options.localized,
        "join": ttl is not None if options.join is UNSET else options.join,
        "isolation": isolation,
        "awaits": awaits,
        "timeout": (
            defaults.timeout_s if options.timeout is UNSET else options.timeout
        ),
        "idempotent": options.idempotent,
        "concurrency": options.concurrency,
        "pool": options.pool,
        "refused": not_served(options),
    }
