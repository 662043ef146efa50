"""OpenWeatherMap against a service on a real socket."""

import msgspec
import pytest

from hub import TaskError
from plugins.weather.open_weather_map import OpenWeatherMap
from tests.plugins_bundled.service import KEY, Service


async def test_open_weather_map_current(
    open_weather_map: OpenWeatherMap, service: Service
) -> None:
    """The other provider makes the same report, from one request."""
    report = await open_weather_map.current("北京", "°F", "zh-CN")

    expected = {
        "city": "北京市",
        "temperature": {"current": 22.5, "unit": "°F"},
        "weather": "晴",
    }
    assert expected == msgspec.to_builtins(report)
    query = {"q": "北京", "units": "imperial", "lang": "zh_cn", "appid": KEY}
    assert [("/data/2.5/weather", query)] == service.asked


async def test_open_weather_map_forecast_gathers_local_days(
    open_weather_map: OpenWeatherMap, service: Service
) -> None:
    """Three-hour steps become days of the place's own clock, skies from noon."""
    midnight = 1_795_392_000  # 2026-11-23 00:00 UTC, eight o'clock in Beijing
    steps = [
        {
            "dt": midnight + hour * 3600,
            "main": {"temp": hour, "temp_min": hour - 0.5, "temp_max": hour + 0.5},
            "weather": [{"id": 800 if hour == 3 else 500}],
            "pop": 0.25 if hour == 6 else 0.0,
        }
        for hour in range(0, 48, 3)
    ]
    city = {"name": "北京", "timezone": 8 * 3600}
    service.answer("/data/2.5/forecast", {"list": steps, "city": city})

    forecast = await open_weather_map.forecast("北京", 2, "°C", "en")

    expected = [
        {
            "date": "2026-11-23",
            "max": 15.5,
            "min": -0.5,
            "weather": "Clear sky",
            "precipitation_probability": 25,
        },
        {
            "date": "2026-11-24",
            "max": 39.5,
            "min": 17.5,
            "weather": "Light rain",
            "precipitation_probability": 0,
        },
    ]
    assert expected == msgspec.to_builtins(forecast.days)


async def test_open_weather_map_says_how_far_it_looks(
    open_weather_map: OpenWeatherMap, service: Service
) -> None:
    """More days than the service has are refused before it is asked."""
    with pytest.raises(TaskError, match="at most 5 days") as caught:
        await open_weather_map.forecast("北京", 6, "°C", "en")

    assert (caught.value.code, service.asked) == ("too_many_days", [])


async def test_open_weather_map_unknown_city(
    open_weather_map: OpenWeatherMap, service: Service
) -> None:
    """There a 404 means that the city is not known."""
    service.answer("/data/2.5/weather", {"cod": "404"}, 404)

    with pytest.raises(TaskError) as caught:
        await open_weather_map.current("北京", "°C", "en")

    assert (caught.value.code, caught.value.retry) == ("unknown_city", False)
