"""Settings: every source, every refusal, and a page that tells the truth."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigError
from hub.settings import (
    KEYS,
    SECTIONS,
    Limits,
    Server,
    Settings,
    load,
    load_with_origins,
)

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
SECRET = "hunter2-s3cr3t"
ROW = re.compile(
    r"^\| `([a-z_.]+)` \| `(.+?)` \| ([a-z]*) ?\| (.+) \| `([A-Z_]+)` \|$", re.MULTILINE
)


def value_of(settings: Settings, key: str) -> object:
    """Return the value under a dotted key."""
    found: object = settings
    for name in key.split("."):
        found = getattr(found, name)
    return found


def refusal(
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """Load what must be refused and return the error's text."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {}, overrides or {})
    return caught.value.message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A place for a configuration file."""
    return tmp_path / "hub.toml"


def test_nothing_said_is_the_default() -> None:
    """Without any source every setting has its default, and says so."""
    settings, origins = load_with_origins(None, {}, {})

    assert settings == Settings()
    assert origins == dict.fromkeys(KEYS, "default")


def test_later_sources_win(file: Path) -> None:
    """The command line beats the environment, which beats the file."""
    file.write_text("[server]\nport = 1\nhost = 'a'\ninsecure = true\n")
    environ = {"TASKHUB__SERVER__PORT": "2", "TASKHUB__SERVER__HOST": "b"}

    settings, origins = load_with_origins(file, environ, {"server.port": 3})

    assert settings.server == Server(port=3, host="b", insecure=True)
    assert {key: origin for key, origin in origins.items() if origin != "default"} == {
        "server.port": "command line",
        "server.host": "TASKHUB__SERVER__HOST",
        "server.insecure": str(file),
    }


def test_none_and_empty_count_as_not_given() -> None:
    """An option left out and an empty variable change nothing."""
    environ = {"TASKHUB__SERVER__PORT": "", "TASKHUB__STORE__DATA": ""}

    assert load(None, environ, {"server.host": None}) == Settings()


def test_other_variables_are_none_of_ours() -> None:
    """Variables without the prefix, a client's TASKHUB_URL among them, are ignored."""
    environ = {"TASKHUB_URL": "x", "TASKHUB_TOKEN": "y", "PATH": "/bin"}

    assert load(None, environ, {}) == Settings()


def test_environment_text_becomes_the_keys_type() -> None:
    """Variables are text; flags, numbers, lists and names are read from it."""
    environ = {
        "TASKHUB__SERVER__INSECURE": "True",
        "TASKHUB__SERVER__ALLOWED_HOSTS": "hub.example, ::1,",
        "TASKHUB__TIMING__GRACE_S": "0.5",
        "TASKHUB__CACHE__ENTRIES": "7",
        "TASKHUB__STORE__ENGINE": "memory",
        "TASKHUB__STORE__DATA": "/data",
        "TASKHUB__LOCALE": "zh-CN",
    }

    settings = load(None, environ, {})

    assert settings.server.insecure is True
    assert settings.server.allowed_hosts == ("hub.example", "::1")
    assert settings.timing.grace_s == 0.5
    assert settings.cache.entries == 7
    assert settings.store.engine == "memory"
    assert settings.store.data == "/data"
    assert settings.locale == "zh-CN"


def test_command_line_lists_may_be_any_sequence() -> None:
    """A list of folders from the command line needs no particular type."""
    for given_paths in (["a", "b"], ("a", "b")):
        settings = load(None, {}, {"plugins.paths": given_paths})

        assert settings.plugins.paths == ("a", "b")


def test_plugin_tables_are_kept_as_they_are(file: Path) -> None:
    """A plugin's table reaches it unchanged, the environment laid over it."""
    file.write_text('[plugin.Weather]\nApi_Key = "old"\nnested = {a = [1, 2]}\n')
    environ = {
        "TASKHUB__PLUGIN__WEATHER__API_KEY": "12345",
        "TASKHUB__PLUGIN__WEATHER__CITIES": '["Oslo"]',
        "TASKHUB__PLUGIN__DEMO__A__B": "x",
    }

    settings, origins = load_with_origins(file, environ, {"plugin.demo.n": 1})

    assert settings.plugin == {
        "Weather": {"Api_Key": "12345", "nested": {"a": [1, 2]}, "cities": ["Oslo"]},
        "demo": {"a__b": "x", "n": 1},
    }
    assert origins["plugin.Weather.Api_Key"] == "TASKHUB__PLUGIN__WEATHER__API_KEY"
    assert origins["plugin.Weather.nested"] == str(file)


def test_plugin_tables_are_not_shown() -> None:
    """The settings' repr, which ends up in logs, holds no plugin's secret."""
    settings = Settings(plugin={"weather": {"api_key": SECRET}})

    assert SECRET not in repr(settings)
    assert "plugin=<weather>" in repr(settings)
    assert "port=8765" in repr(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nport = 70000", "server.port: expected a whole number from 0 to"),
        ("[server]\nport = 70000", "got 70000"),
        ("[server]\nport = '80'", "got a text"),
        ("[server]\nport = true", "got true"),
        ("[server]\nhost = ''", "expected a text, got an empty text"),
        ("[server]\nprot = 1", "server.prot: there is no such setting; did you mean"),
        ("[server]\nallowed_hosts = ['h:80']", "server.allowed_hosts: expected a list"),
        ("[server]\nallowed_hosts = 'h'", "expected a list of hosts, without ports"),
        ("[server]\nallowed_origins = ['h']", 'such as "https://hub.example:8443"'),
        ("[timing]\ntick_s = 0", "timing.tick_s: expected seconds, above 0, got 0"),
        ("[timing]\ntick_s = inf", "got inf"),
        ("[timing]\ntick_s = nan", "got nan"),
        ("[timing]\ngrace_s = -1", "expected seconds, at least 0, got -1"),
        (
            "[limits]\nmax_log_bytes = 2147483649",
            "expected a whole number from 1 to 2147483648, got 2147483649",
        ),
        ("[limits]\nqueued = -1", "expected a whole number, at least 0, got -1"),
        ("[limits]\nasync_runs = 1.5", "got 1.5"),
        ("[limits]\nasync_runs = {a = 1}", "got a table"),
        ("[limits]\nasync_runs = []", "got a list"),
        ("[store]\nengine = 'redis'", 'expected "sqlite" or "memory", got a text'),
        ("[serverr]\nport = 1", "serverr: there is no such setting; did you mean serv"),
        ("qqqq = 1", "qqqq: there is no such setting"),
        ("server = 1", "server: expected a table [server], got 1"),
        ("plugin = 1", "plugin: expected a table [plugin], got 1"),
        ("[plugin]\na = 1", "plugin.a: expected a table [plugin.a], got 1"),
        ("locale = 'xx'", 'locale: expected "en" or "zh-CN", got a text'),
        ("a = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused(file: Path, text: str, said: str) -> None:
    """A wrong value names the file, the key and what was expected."""
    file.write_text(text)

    message = refusal(path=file)

    assert message.startswith(f"{file}: ")
    assert said in message


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("TASKHUB__SERVER__PORT", "70000", "server.port: expected a whole number"),
        ("TASKHUB__SERVER__PORT", "70000", "got 70000"),
        ("TASKHUB__SERVER__PORT", "http", "got a text"),
        ("TASKHUB__SERVER__INSECURE", "maybe", "expected true or false, got a text"),
        ("TASKHUB__SERVER__ALLOWED_HOSTS", "a b", "expected a list of hosts"),
        ("TASKHUB__SERVER", "1", "server: there is no such setting"),
        ("TASKHUB__SERVER__PORT__X", "1", "server.port.x: there is no such setting"),
        ("TASKHUB__PLUGIN__WEATHER", "1", "plugin.weather: there is no such setting"),
        ("TASKHUB__PLUGIN__WEATHER__X", "[1", "expected a text, or a list or table"),
    ],
)
def test_a_wrong_variable_is_refused(variable: str, text: str, said: str) -> None:
    """A wrong value names the variable, the key and what was expected."""
    message = refusal(environ={variable: text})

    assert message.startswith(f"{variable}: ")
    assert said in message


def test_a_wrong_option_is_refused() -> None:
    """A wrong value on the command line says that it was there."""
    message = refusal(overrides={"server.port": "8766"})

    assert message.startswith("command line: server.port: expected a whole number")


def test_an_unreadable_file_is_refused(file: Path) -> None:
    """A file that is missing, or no UTF-8, is named."""
    assert refusal(path=file) == f"{file}: cannot be read: No such file or directory"

    file.write_bytes(b"a = '\xff'")

    assert refusal(path=file).startswith(f"{file}: is not TOML: ")


@pytest.mark.parametrize(
    ("key", "bound"),
    [("message_bytes", 4096), ("chunk_bytes", 2048), ("hello_bytes", 4096)],
)
def test_what_goes_into_a_frame_is_no_larger(key: str, bound: int) -> None:
    """Sizes within a frame are checked against it, and both sources are named."""
    fitting = {
        "limits.frame_bytes": 4096,
        "limits.message_bytes": 4096,
        "limits.chunk_bytes": 2048,
    }

    assert load(None, {}, fitting).limits.frame_bytes == 4096

    message = refusal(overrides=fitting | {f"limits.{key}": bound + 1})

    assert f"command line: limits.{key}: expected at most {bound}" in message
    assert f"from command line), got {bound + 1}" in message


def error_of(
    environ: Mapping[str, str], overrides: Mapping[str, object]
) -> ConfigError | None:
    """Load what may be refused and return the error, if there is one."""
    try:
        load(None, environ, overrides)
    except ConfigError as error:
        return error
    return None


@given(key=st.sampled_from(sorted(KEYS)), noise=st.text(max_size=5))
def test_secrets_are_never_repeated(key: str, noise: str) -> None:
    """Whatever text stands in the wrong place, the error does not quote it."""
    wrong = f"{noise}{SECRET} {noise}"
    variable = f"TASKHUB__{key.upper().replace('.', '__')}"
    errors = [
        error_of({variable: wrong}, {}),
        error_of({}, {key: wrong}),
        error_of({}, {key: [wrong]}),
        error_of({}, {key: {wrong: wrong}}),
    ]

    assert errors[-1] is not None
    for error in filter(None, errors):
        assert SECRET not in f"{error!r} {error.message} {error.detail}"
        assert error.__cause__ is None
        assert error.__context__ is None


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_default_passes_its_own_check(key: str) -> None:
    """A default said aloud, in any source, is the default."""
    default = value_of(Settings(), key)
    variable = f"TASKHUB__{key.upper().replace('.', '__')}"
    items = default if isinstance(default, tuple) else (default,)
    text = ",".join(str(item) for item in items) if default is not None else ""

    assert load(None, {variable: text}, {}) == Settings()
    assert load(None, {}, {key: default}) == Settings()


def test_settings_are_values() -> None:
    """Nobody changes settings after they were read."""
    settings: object = Settings()

    with pytest.raises(AttributeError):
        settings.locale = "zh-CN"  # type: ignore[attr-defined] # what is promised


def test_every_setting_is_documented() -> None:
    """The page has each key once, with its default, its unit and its variable."""
    rows = {row[0]: row[1:] for row in ROW.findall(PAGE.read_text(encoding="utf-8"))}

    assert set(rows) == set(KEYS)
    for key, (default, unit, meaning, variable) in rows.items():
        actual = value_of(Settings(), key)

        assert default == ("none" if actual is None else json.dumps(actual)), key
        assert unit == unit_of(key, unit), key
        assert variable == f"TASKHUB__{key.upper().replace('.', '__')}"
        assert meaning.endswith(".")


def unit_of(key: str, said: str) -> str:
    """Return the unit that a key's ending promises, or what was said."""
    endings = {"_s": "seconds", "_ms": "milliseconds", "bytes": "bytes"}
    return next((unit for end, unit in endings.items() if key.endswith(end)), said)


def test_the_pages_example_is_true(file: Path) -> None:
    """The example file of the page is one that the hub takes."""
    page = PAGE.read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    file.write_text(example, encoding="utf-8")

    settings = load(file, {}, {})

    assert settings.server.port == tomllib.loads(example)["server"]["port"]
    assert f"TASKHUB__SERVER__PORT={settings.server.port}" in page


def test_sections_are_those_of_the_struct() -> None:
    """Every section is found, so that no key can be forgotten."""
    assert set(SECTIONS) | {"plugin", "locale"} == set(Settings.__struct_fields__)
    assert (
        KEYS["limits.bad_frames_per_minute"] == msgspec.structs.fields(Limits)[-1].type
    )
