"""Open-Meteo against a service on a real socket."""

import httpx
import msgspec
import pytest

from hub import TaskError
from plugins.weather.open_meteo import OpenMeteo
from tests.plugins_bundled.service import KEY, Service

DAILY = {
    "time": ["2026-11-23", "2026-11-24"],
    "temperature_2m_max": [9.1, None],
    "temperature_2m_min": [-1.0, None],
    "weather_code": [61, None],
    "precipitation_probability_max": [80, None],
}


async def test_current_is_exactly_this(open_meteo: OpenMeteo) -> None:
    """The report of Beijing has these keys, in this order, in Chinese."""
    report = await open_meteo.current("北京", "°C", "zh-CN")

    expected = (
        '{"city":"北京","temperature":{"current":22.5,"unit":"°C"},"weather":"晴"}'
    )
    assert expected == msgspec.json.encode(report).decode()


async def test_open_meteo_is_asked_in_the_callers_words(
    open_meteo: OpenMeteo, service: Service
) -> None:
    """City, language, place and unit reach the service as its documents ask."""
    await open_meteo.current("北京", "°F", "zh-CN")

    search = {"name": "北京", "count": "1", "language": "zh", "format": "json"}
    assert [search] == service.queries("/v1/search")
    forecast = {
        "latitude": "39.9",
        "longitude": "116.4",
        "temperature_unit": "fahrenheit",
        "current": "temperature_2m,weather_code",
    }
    assert [forecast] == service.queries("/v1/forecast")


async def test_english_is_asked_for_in_english(
    open_meteo: OpenMeteo, service: Service
) -> None:
    """Another locale asks the geocoder in English and says the sky in English."""
    report = await open_meteo.current("Beijing", "°C", "en")

    assert report.weather == "Clear sky"
    assert service.queries("/v1/search")[0]["language"] == "en"


async def test_forecast_keeps_what_is_not_known_null(
    open_meteo: OpenMeteo, service: Service
) -> None:
    """Days beyond the models' reach are there, with nulls."""
    service.answer("/v1/forecast", {"daily": DAILY})

    forecast = await open_meteo.forecast("北京", 2, "°C", "zh-CN")

    expected = {
        "city": "北京",
        "unit": "°C",
        "days": [
            {
                "date": "2026-11-23",
                "max": 9.1,
                "min": -1.0,
                "weather": "小雨",
                "precipitation_probability": 80,
            },
            {
                "date": "2026-11-24",
                "max": None,
                "min": None,
                "weather": None,
                "precipitation_probability": None,
            },
        ],
    }
    assert expected == msgspec.to_builtins(forecast)
    query = service.queries("/v1/forecast")[0]
    assert (query["forecast_days"], query["timezone"]) == ("2", "auto")


async def test_columns_of_different_length_are_a_bad_answer(
    open_meteo: OpenMeteo, service: Service
) -> None:
    """A forecast whose columns do not match is refused, not cut."""
    service.answer("/v1/forecast", {"daily": DAILY | {"time": ["2026-11-23"]}})

    with pytest.raises(TaskError) as caught:
        await open_meteo.forecast("北京", 2, "°C", "en")

    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize("answer", [{}, {"results": []}])
async def test_unknown_city(
    open_meteo: OpenMeteo, service: Service, answer: object
) -> None:
    """A city that the geocoder does not know is named, and not tried again."""
    service.answer("/v1/search", answer)

    with pytest.raises(TaskError) as caught:
        await open_meteo.current("北京", "°C", "zh-CN")

    error = caught.value
    assert (error.code, error.retry) == ("unknown_city", False)
    assert error.message == "找不到名为“北京”的地点"


async def test_open_meteo_key_is_sent_where_there_is_one(
    client: httpx.AsyncClient, open_meteo: OpenMeteo, service: Service
) -> None:
    """Commercial users' key goes with both requests; others send none."""
    await open_meteo.current("北京", "°C", "en")
    keyed = OpenMeteo(
        client,
        base_url=service.url,
        geocoding_url=service.url,
        timeout_s=5,
        api_key=KEY,
    )
    await keyed.current("北京", "°C", "en")

    assert [query.get("apikey") for _, query in service.asked] == [None, None, KEY, KEY]
