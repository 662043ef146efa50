"""Settings: what an operator can choose, read from file, environment and arguments.

Rules:
    1. A later source wins: defaults, the TOML file, ``TASKHUB__SECTION__KEY`` in the
       environment, arguments of the command line.
    2. A name that no setting has is an error, never ignored: a misspelt limit would
       otherwise be no limit.
    3. An error names the source, the key and what was expected. Of the value it shows
       numbers only, because texts may be secrets.
    4. Each type below says in its ``description`` what it expects; error texts use that
       sentence. ``docs/settings.md`` lists every key, and a test compares the two.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec
from msgspec import Meta

from hub.errors import ConfigError

ENVIRONMENT_PREFIX = "TASKHUB__"

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_MOST = 2**53
"""The largest whole number taken: what JavaScript and SQLite hold exactly."""
_CENTURY = 3_155_760_000
"""Seconds; keeps infinities and overflowing timers out."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,19})?")


def _says(text: str) -> Meta:
    """Say what a type expects: its last note, which error texts quote."""
    return Meta(description=text)


def _whole(low: int, high: int = _MOST) -> Meta:
    """Describe a whole number within bounds."""
    bounds = f", at least {low}" if high == _MOST else f" from {low} to {high}"
    return Meta(ge=low, le=high, description=f"a whole number{bounds}")


Flag = Annotated[bool, _says("true or false")]
Text = Annotated[str, Meta(min_length=1, description="a text")]
OptionalText = Annotated[Text | None, _says("a text")]
Port = Annotated[int, _whole(0, 65535)]
Count = Annotated[int, _whole(1)]
CountFrom0 = Annotated[int, _whole(0)]
FrameBytes = Annotated[int, _whole(KIB, GIB)]
LogBytes = Annotated[int, _whole(1, 2 * GIB)]
Seconds = Annotated[float, Meta(gt=0, le=_CENTURY), _says("seconds, above 0")]
SecondsFrom0 = Annotated[float, Meta(ge=0, le=_CENTURY), _says("seconds, at least 0")]
_HostName = Annotated[str, Meta(pattern=r"^[^\s/:@]+$|^\[?[0-9A-Fa-f:.]+\]?$")]
HostNames = Annotated[tuple[_HostName, ...], _says("a list of hosts, without ports")]
_Origin = Annotated[str, Meta(pattern=r"^https?://[^\s/@?#]+$")]
Origins = Annotated[
    tuple[_Origin, ...], _says('a list of origins such as "https://hub.example:8443"')
]
Folders = Annotated[tuple[Text, ...], _says("a list of folders")]
Names = Annotated[tuple[Text, ...], _says("a list of names")]
EngineName = Annotated[Literal["sqlite", "memory"], _says('"sqlite" or "memory"')]
Durability = Annotated[Literal["normal", "full"], _says('"normal" or "full"')]
Locale = Annotated[Literal["en", "zh-CN"], _says('"en" or "zh-CN"')]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the hub listens, and for whom."""

    host: Text = "127.0.0.1"
    port: Port = 8765
    insecure: Flag = False
    allowed_hosts: HostNames = ()
    allowed_origins: Origins = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on sizes and counts."""

    frame_bytes: FrameBytes = 256 * KIB
    message_bytes: FrameBytes = 16 * KIB
    queued: CountFrom0 = 10_000
    async_runs: Count = 256
    thread_runs: Count = 32
    process_runs: CountFrom0 = 0
    process_spares: CountFrom0 = 4
    process_memory_bytes: CountFrom0 = 0
    process_cpu_s: CountFrom0 = 0
    process_files: CountFrom0 = 0
    max_log_bytes: LogBytes = 64 * MIB
    chunk_bytes: Count = 128 * KIB
    uncommitted_bytes: Count = MIB
    log_record_bytes: CountFrom0 = 8 * MIB
    hello_bytes: Count = 4 * KIB
    bad_frames_per_minute: Count = 5


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Periods and deadlines."""

    heartbeat_s: Seconds = 20.0
    grace_s: SecondsFrom0 = 2.0
    timeout_s: Seconds = 300.0
    tick_s: Seconds = 0.1
    progress_ms: CountFrom0 = 100
    retention_s: Seconds = 86_400.0
    retry_after_s: SecondsFrom0 = 1.0
    reconnect_spread_s: SecondsFrom0 = 5.0
    ageing_s: Seconds = 20.0
    nursery_s: Seconds = 5.0


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """The cache of finished runs."""

    entries: CountFrom0 = 10_000
    bytes: CountFrom0 = 64 * MIB
    ttl_s: Seconds = 300.0
    sweep: Count = 100


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """Where tasks and their logs are kept."""

    engine: EngineName = "sqlite"
    data: OptionalText = None
    durability: Durability = "normal"
    commit_statements: Count = 500
    memory_bytes: Count = 512 * MIB
    sqlite_bytes: Count = 10 * GIB
    tail_bytes: CountFrom0 = 64 * MIB


class Plugins(msgspec.Struct, frozen=True, kw_only=True):
    """Which plugins are loaded."""

    paths: Folders = ()
    pools: Names = ()
    bundled: Flag = True
    strict: Flag = False


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. ``Settings()`` is the hub as it comes out of the box."""

    server: Server = msgspec.field(default_factory=Server)
    limits: Limits = msgspec.field(default_factory=Limits)
    timing: Timing = msgspec.field(default_factory=Timing)
    cache: Cache = msgspec.field(default_factory=Cache)
    store: Store = msgspec.field(default_factory=Store)
    plugins: Plugins = msgspec.field(default_factory=Plugins)
    plugin: dict[str, dict[str, object]] = {}
    locale: Locale = "en"

    def __repr__(self) -> str:
        """Leave out the plugins' tables: they may hold secrets, and logs show reprs."""
        shown = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in self.__struct_fields__
            if name != "plugin"
        )
        return f"Settings({shown}, plugin=<{', '.join(sorted(self.plugin))}>)"


SECTIONS: dict[str, type[msgspec.Struct]] = {
    field.name: field.type
    for field in msgspec.structs.fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
}
"""The sections with fixed keys, by name."""
KEYS: dict[str, object] = {
    f"{section}.{field.name}": field.type
    for section, struct in SECTIONS.items()
    for field in msgspec.structs.fields(struct)
} | {"locale": Locale}
"""The type of every key but the plugins' own, by dotted name (``server.port``)."""
_WITHIN_A_FRAME = {
    "limits.message_bytes": 1,
    "limits.chunk_bytes": 2,  # the other half is for the head and what escapes cost
    "limits.hello_bytes": 1,
}
"""Sizes that a frame must hold, and how many of each."""


def load(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Settings:
    """Read the settings from all sources.

    Args:
        path: The TOML file, or None for none.
        environ: The environment. Only names that begin with ``TASKHUB__`` count, and
            an empty value counts as not given.
        overrides: What the command line says, by dotted key: ``{"server.port": 0}``.
            None counts as not given.

    Raises:
        ConfigError: A source cannot be read, names an unknown key or holds a value of
            the wrong type or out of range.
    """
    return load_with_origins(path, environ, overrides)[0]


def load_with_origins(
    path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> tuple[Settings, dict[str, str]]:
    """Read the settings as :func:`load` does, and say where each value came from.

    Returns:
        The settings, and by dotted key ``default``, the file's path, the variable's
        name or ``command line``.

    Raises:
        ConfigError: As in :func:`load`.
    """
    overlay = _Overlay()
    if path is not None:
        overlay.read_file(path)
    overlay.read_environment(environ)
    for key, value in overrides.items():
        if value is not None:
            overlay.put(key, value, "command line")
    return overlay.settings(), overlay.origins


class _Overlay:
    """The values read so far, and the origin of each."""

    def __init__(self) -> None:
        self.origins = dict.fromkeys(KEYS, "default")
        self._values: dict[str, object] = {}
        self._plugin: dict[str, dict[str, object]] = {}

    def read_file(self, path: Path) -> None:
        """Lay a TOML file's values over what is there."""
        origin = str(path)
        document = _read_toml(path)
        for plugin, table in _table(origin, "plugin", document.pop("plugin", {})):
            for name, value in _table(origin, f"plugin.{plugin}", table):
                self._put_plugin(plugin, name, value, origin)
        for section in SECTIONS:
            for name, value in _table(origin, section, document.pop(section, {})):
                self.put(f"{section}.{name}", value, origin)
        for key, value in document.items():
            self.put(key, value, origin)

    def read_environment(self, environ: Mapping[str, str]) -> None:
        """Lay the environment's values over what is there."""
        for variable in sorted(environ):
            text = environ[variable]
            if variable.startswith(ENVIRONMENT_PREFIX) and text:
                words = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
                key = ".".join(words.split("__", 2))
                self.put(key, text, variable, from_text=True)

    def put(
        self, key: str, value: object, origin: str, *, from_text: bool = False
    ) -> None:
        """Check one value and lay it over what is there.

        Args:
            key: The dotted key.
            value: The value.
            origin: Where it was said.
            from_text: Whether the value is text that may stand for another type.

        Raises:
            ConfigError: The key is unknown, or the value is not one for it.
        """
        section, _, rest = key.partition(".")
        plugin, _, name = rest.partition(".")
        if section == "plugin" and plugin and name:
            if from_text:
                # The environment has one case only, so the file's spelling wins.
                plugin = _spelling(plugin, self._plugin)
                name = _spelling(name, self._plugin.get(plugin, ()))
                value = _read_structure(key, value, origin)
            self._put_plugin(plugin, name, value, origin)
        elif key in KEYS:
            self._values[key] = _convert(key, value, origin, from_text=from_text)
            self.origins[key] = origin
        else:
            raise _error(origin, key, f"there is no such setting{_hint(key)}")

    def settings(self) -> Settings:
        """Return what all sources together say.

        Raises:
            ConfigError: Two values do not go together.
        """
        sections: dict[str, dict[str, object]] = {name: {} for name in SECTIONS}
        plain: dict[str, object] = {"plugin": self._plugin}
        for key, value in self._values.items():
            section, _, name = key.rpartition(".")
            (sections[section] if section else plain)[name] = value
        settings = msgspec.convert(sections | plain, Settings)
        for key, share in _WITHIN_A_FRAME.items():
            self._check_share(settings.limits, key, share)
        return settings

    def _put_plugin(self, plugin: str, name: str, value: object, origin: str) -> None:
        """Lay a value over a plugin's own table, whose keys only the plugin knows."""
        self._plugin.setdefault(plugin, {})[name] = value
        self.origins[f"plugin.{plugin}.{name}"] = origin

    def _check_share(self, limits: Limits, key: str, share: int) -> None:
        """Refuse a size of which a frame does not hold as many as it should."""
        size: int = getattr(limits, key.partition(".")[2])
        most = limits.frame_bytes // share
        if size > most:
            part = "limits.frame_bytes" if share == 1 else "half of limits.frame_bytes"
            where = self.origins["limits.frame_bytes"]
            problem = f"expected at most {most} ({part}, from {where}), got {size}"
            raise _error(self.origins[key], key, problem)


def _read_toml(path: Path) -> dict[str, object]:
    """Return a TOML file's document."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not TOML, or a number of 5,000 digits
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _table(origin: str, key: str, value: object) -> Iterable[tuple[str, object]]:
    """Return what a table of the file holds, or refuse what is no table."""
    if not isinstance(value, dict):
        raise _error(origin, key, f"expected a table [{key}], got {_shown(value)}")
    return value.items()


def _convert(key: str, value: object, origin: str, *, from_text: bool) -> object:
    """Return the value in its key's type, or refuse it."""
    kind = KEYS[key]
    if from_text and get_origin(get_args(kind)[0]) is tuple:
        value = [item.strip() for item in str(value).split(",") if item.strip()]
    try:
        return msgspec.convert(value, kind, strict=not from_text)
    except msgspec.ValidationError:
        pass  # its text may quote the value: left out, and out of the traceback
    expected = get_args(kind)[-1].description
    shown = _shown(value, from_text=from_text)
    raise _error(origin, key, f"expected {expected}, got {shown}")


def _read_structure(key: str, value: object, origin: str) -> object:
    """Read a plugin's value from the environment: a list or table is JSON, else text.

    Numbers stay text, because a secret of digits must; the plugin's ``Config`` says
    what they are.
    """
    text = str(value)
    if not text.startswith(("[", "{")):
        return text
    try:
        read: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        pass
    else:
        return read
    raise _error(origin, key, "expected a text, or a list or table in JSON")


def _shown(value: object, *, from_text: bool = False) -> str:
    """Say what was given, without repeating what could be a secret."""
    if isinstance(value, bool):
        return str(value).lower()
    number = from_text and isinstance(value, str) and _NUMBER.fullmatch(value)
    if number or isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return "a text" if value else "an empty text"
    return "a table" if isinstance(value, dict) else f"a {type(value).__name__}"


def _hint(key: str) -> str:
    """Suggest the known key that an unknown one may mean."""
    close = difflib.get_close_matches(key, [*KEYS, *SECTIONS], n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _spelling(name: str, known: Iterable[str]) -> str:
    """Return the known name that differs in case only, or the name itself."""
    return next((each for each in known if each.lower() == name.lower()), name)


def _error(origin: str, key: str, problem: str) -> ConfigError:
    """Make the error about one key of one source."""
    return ConfigError(
        f"{origin}: {key}: {problem}", detail={"key": key, "origin": origin}
    )
