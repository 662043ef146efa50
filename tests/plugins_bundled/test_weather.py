"""The weather plugin, run without a hub."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub import Plugin, TaskError
from hub.errors import InvalidParamsError, PluginRefusedError
from hub.plugin.spec import CommandSpec
from hub.registry import Registry, Sources, bundled_folder
from plugins.weather.main import Weather
from tests.plugins_bundled.recorder import Recorder
from tests.plugins_bundled.service import KEY, Service


def configured(service: Service, **more: object) -> dict[str, Any]:
    """Return the plugin's table, pointing at the stub."""
    return {"base_url": service.url, "geocoding_url": service.url, **more}


@pytest.fixture
async def weather(service: Service) -> AsyncIterator[Weather]:
    """The plugin, started as the hub would and stopped at the end."""
    weather = Weather()
    await weather.initialize(configured(service))
    yield weather
    await weather.cleanup()


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """The bundled plugins, found and loaded as the hub does."""
    registry = Registry(
        Sources(entry_points=list, bundled=bundled_folder()), strict=True
    )
    await registry.load()
    yield registry
    await registry.close()


@pytest.fixture
def current(registry: Registry) -> CommandSpec:
    """What the hub knows about `weather.current`."""
    return registry.lookup("weather", "current")


async def test_current_speaks_the_callers_language(weather: Weather) -> None:
    """The locale of the task is that of the answer; spaces around a name are none."""
    report = await weather.current(Recorder().context("zh-CN"), " 北京 ")

    expected = (
        '{"city":"北京","temperature":{"current":22.5,"unit":"°C"},"weather":"晴"}'
    )
    assert msgspec.json.encode(report).decode() == expected


async def test_errors_speak_the_callers_language(
    weather: Weather, service: Service
) -> None:
    """A bad key is told in Chinese to who reads Chinese."""
    service.answer("/v1/forecast", {}, 401)

    with pytest.raises(TaskError, match=r"^API密钥无效或已过期$"):
        await weather.current(Recorder().context("zh-CN"), "北京")


async def test_forecast_asks_for_the_days_it_was_asked_for(
    weather: Weather, service: Service
) -> None:
    """`days` reaches the service, five where it is left out."""
    service.answer(
        "/v1/forecast",
        {
            "daily": {
                "time": [],
                "temperature_2m_max": [],
                "temperature_2m_min": [],
                "weather_code": [],
                "precipitation_probability_max": [],
            }
        },
    )
    context = Recorder().context()

    await weather.forecast(context, "北京")
    await weather.forecast(context, "北京", 16, "°F")

    asked = service.queries("/v1/forecast")
    assert [query["forecast_days"] for query in asked] == ["5", "16"]


async def test_the_other_provider_can_be_chosen(service: Service) -> None:
    """`provider` and `api_key` are all that OpenWeatherMap needs."""
    weather = Weather()
    table = configured(service, provider="openweathermap", api_key=KEY)
    await weather.initialize(table)

    report = await weather.current(Recorder().context("zh-CN"), "北京")
    await weather.cleanup()

    assert report.city == "北京市"
    assert service.queries("/data/2.5/weather")[0]["appid"] == KEY


async def test_a_provider_without_its_key_is_refused_at_start() -> None:
    """What cannot work is said when the hub starts, not to the first caller."""
    with pytest.raises(ValueError, match="needs an api_key"):
        await Weather().initialize({"provider": "openweathermap"})


@pytest.mark.parametrize(
    "table",
    [
        {"base_url": "ftp://example.org"},
        {"base_url": "https://user:secret@example.org"},
        {"geocoding_url": "https://example.org/?key=secret"},
        {"timeout_s": 0},
        {"provider": "crystal ball"},
        {"api_key": ""},
        {"base": "https://example.org"},
    ],
    ids=lambda table: next(iter(table.items()))[1] or "empty",
)
async def test_a_wrong_configuration_is_refused(table: dict[str, Any]) -> None:
    """A wrong key or value is named, and no secret with it."""
    with pytest.raises(PluginRefusedError) as caught:
        await Weather().initialize(table)

    assert next(iter(table)) in caught.value.reason
    assert "secret" not in caught.value.reason


async def test_history_streams_rows_and_sums_them_up(weather: Weather) -> None:
    """Each day is a row, progress ends at 1, the summary is that of the rows."""
    recorder = Recorder()

    summary = await weather.history(recorder.context(), "New York", 2012)

    assert {kind for kind, _ in recorder.chunks} == {"row"}
    rows = [row for _, row in recorder.chunks]
    assert list(rows[0].items()) == [
        ("date", "2012-01-01"),
        ("precipitation", 1.8),
        ("temp_max", 10.0),
        ("temp_min", 3.3),
        ("wind", 5.1),
        ("weather", "rain"),
    ]
    assert len(rows) == summary.days == 366
    assert summary.wettest.value == max(row["precipitation"] for row in rows)
    assert recorder.progressed[-1] == (1.0, "2012-12-31")


async def test_history_without_a_year_is_all_of_them(weather: Weather) -> None:
    """Four years are 1,461 rows."""
    recorder = Recorder()

    summary = await weather.history(recorder.context(), "Seattle")

    assert (len(recorder.chunks), summary.days) == (1461, 1461)


async def test_history_keeps_its_pace(weather: Weather) -> None:
    """With a pace it can be watched, and cancelled between two rows."""
    recorder = Recorder()
    history = weather.history(recorder.context(), "Seattle", 2015, pace_ms=1000)
    running = asyncio.ensure_future(history)
    await recorder.spoken.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert len(recorder.chunks) == 1


async def test_history_needs_no_network(tmp_path: Path) -> None:
    """It works where no provider can be reached, from the file alone."""
    weather = Weather()
    await weather.initialize({"base_url": "http://127.0.0.1:1"})

    summary = await weather.history(Recorder().context(), "Seattle", 2013)
    await weather.cleanup()

    assert summary.days == 365


# As the hub sees it.


async def test_commands_are_declared_as_documented(current: CommandSpec) -> None:
    """Shared between callers for 300 s, for each unit and language."""
    declared = (current.ttl, current.unit, current.public, current.localized)
    assert declared == (300, "unit", True, True)


async def test_the_bundled_plugins_load(registry: Registry) -> None:
    """Nothing that comes with the hub is refused."""
    commands = {
        report.name: {command.name for command in report.commands}
        for report in registry.plugins()
    }

    assert registry.refused() == []
    assert commands["weather"] == {"current", "forecast", "history"}
    assert commands["demo"] == {
        "chunks",
        "countdown",
        "echo",
        "failure",
        "rows",
        "sleep",
    }


def types_of(schema: dict[str, Any]) -> list[str]:
    """Return the types that a field may have."""
    types: str | list[str] = schema.get("type", [])
    return [types] if isinstance(types, str) else types


async def test_each_parameter_is_described(registry: Registry) -> None:
    """A form can say what every field is for, and numbers have bounds."""
    for plugin in registry.plugins():
        for command in plugin.commands:
            spec = registry.lookup(plugin.name, command.name)
            for name, field in spec.schema["properties"].items():
                assert field["title"], (command.name, name)
                assert field["description"], (command.name, name)
                if {"integer", "number"} & set(types_of(field)):
                    assert {"minimum", "maximum"} <= field.keys()


@pytest.mark.parametrize(
    ("command", "params", "field"),
    [
        ("current", {}, "city"),
        ("current", {"city": ""}, "city"),
        ("current", {"city": "  "}, "city"),
        ("current", {"city": "x" * 101}, "city"),
        ("current", {"city": "Rome", "unit": "K"}, "unit"),
        ("current", {"city": "Rome", "town": "Rome"}, "town"),
        ("forecast", {"city": "Rome", "days": 0}, "days"),
        ("forecast", {"city": "Rome", "days": 17}, "days"),
        ("history", {"city": "Paris"}, "city"),
        ("history", {"city": "Seattle", "year": 2016}, "year"),
        ("history", {"city": "Seattle", "pace_ms": 1001}, "pace_ms"),
    ],
)
async def test_bad_params_are_named(
    registry: Registry, command: str, params: dict[str, Any], field: str
) -> None:
    """What cannot be answered is refused before a task is made."""
    spec = registry.lookup("weather", command)

    with pytest.raises(InvalidParamsError) as caught:
        spec.parse(msgspec.json.encode(params))

    assert caught.value.detail is not None
    assert caught.value.detail["field"] == field


def test_it_is_a_plugin_like_any_other() -> None:
    """It is built on nothing but the face."""
    assert issubclass(Weather, Plugin)


def test_the_start_does_not_pay_for_the_client() -> None:
    """What speaks HTTP is imported with the first question, not with the hub."""
    probe = (
        "import asyncio, sys\n"
        "from hub.registry import Registry, Sources, bundled_folder\n"
        "registry = Registry(Sources(entry_points=tuple, bundled=bundled_folder()))\n"
        "async def main():\n"
        "    await registry.load()\n"
        "    print(len(registry.plugins()), 'httpx' in sys.modules)\n"
        "    await registry.close()\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", probe], check=True, capture_output=True, text=True
    )
    count, imported = ran.stdout.split()

    assert int(count) >= 2
    assert imported == "False"
