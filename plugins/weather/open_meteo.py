"""Open-Meteo: a place by name first, then its weather. Needs no key."""

from datetime import date
from typing import Annotated

import httpx
from msgspec import Meta, Struct
from msgspec.json import Decoder

from .model import Day, Forecast, Report, Temperature, Unit
from .troubles import trouble
from .upstream import Upstream
from .words import WMO, condition

BASE_URL = "https://api.open-meteo.com"
GEOCODING_URL = "https://geocoding-api.open-meteo.com"

DAILY = (
    "temperature_2m_max,temperature_2m_min,weather_code,precipitation_probability_max"
)
UNITS = {"°C": "celsius", "°F": "fahrenheit"}


class Place(Struct, frozen=True):
    """Where a city lies, and its name in the caller's language."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    latitude: float
    longitude: float


class Places(Struct, frozen=True):
    """The geocoder's answer; it leaves `results` out where it knows nothing."""

    results: list[Place] = []


class Now(Struct, frozen=True):
    """The present hour."""

    temperature_2m: float
    weather_code: int


class NowAnswer(Struct, frozen=True):
    """The answer to a request for `current`."""

    current: Now


class Daily(Struct, frozen=True):
    """Parallel columns, one entry a day; null beyond what the models reach."""

    time: list[date]
    temperature_2m_max: list[float | None]
    temperature_2m_min: list[float | None]
    weather_code: list[int | None]
    precipitation_probability_max: list[int | None]


class DailyAnswer(Struct, frozen=True):
    """The answer to a request for `daily`."""

    daily: Daily


PLACES = Decoder(Places)
NOW = Decoder(NowAnswer)
DAYS = Decoder(DailyAnswer)


class OpenMeteo:
    """Asks Open-Meteo, or a server of one's own that speaks like it.

    Args:
        client: Made and closed by the caller.
        base_url: Serves `/v1/forecast`; the public service where None.
        geocoding_url: Serves `/v1/search`; the public service where None.
        timeout_s: For each of the two requests that a command needs.
        api_key: Only commercial users have one.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str | None,
        geocoding_url: str | None,
        timeout_s: float,
        api_key: str | None,
    ) -> None:
        self._forecasts = Upstream(client, base_url or BASE_URL, timeout_s)
        self._places = Upstream(client, geocoding_url or GEOCODING_URL, timeout_s)
        self._key = {"apikey": api_key} if api_key else {}

    async def current(self, city: str, unit: Unit, locale: str) -> Report:
        """Report the weather of a city now."""
        place = await self._find(city, locale)
        query = self._query(place, unit) | {"current": "temperature_2m,weather_code"}
        answer = await self._forecasts.get("/v1/forecast", query, NOW, locale)
        now = answer.current
        return Report(
            city=place.name,
            temperature=Temperature(current=now.temperature_2m, unit=unit),
            weather=condition(WMO, now.weather_code, locale),
        )

    async def forecast(self, city: str, days: int, unit: Unit, locale: str) -> Forecast:
        """Forecast the next `days` days of a city, today being the first."""
        place = await self._find(city, locale)
        query = self._query(place, unit) | {
            "daily": DAILY,
            "forecast_days": str(days),
            "timezone": "auto",
        }
        answer = await self._forecasts.get("/v1/forecast", query, DAYS, locale)
        try:
            ahead = _days(answer.daily, locale)
        except ValueError as error:
            raise self._forecasts.bad_answer(locale) from error
        return Forecast(city=place.name, unit=unit, days=ahead)

    async def _find(self, city: str, locale: str) -> Place:
        """Look a city up by its name in any language."""
        query = {
            "name": city,
            "count": "1",
            "language": "zh" if locale == "zh-CN" else "en",
            "format": "json",
        } | self._key
        places = await self._places.get("/v1/search", query, PLACES, locale)
        if not places.results:
            raise trouble("unknown_city", locale, city=city)
        return places.results[0]

    def _query(self, place: Place, unit: Unit) -> dict[str, str]:
        """Say where, in which unit, and who asks."""
        return {
            "latitude": str(place.latitude),
            "longitude": str(place.longitude),
            "temperature_unit": UNITS[unit],
        } | self._key


def _days(daily: Daily, locale: str) -> list[Day]:
    """Turn the columns into days.

    Raises:
        ValueError: The columns differ in length.
    """
    return [
        Day(
            date=day,
            max=highest,
            min=lowest,
            weather=None if code is None else condition(WMO, code, locale),
            precipitation_probability=probability,
        )
        for day, highest, lowest, code, probability in zip(
            daily.time,
            daily.temperature_2m_max,
            daily.temperature_2m_min,
            daily.weather_code,
            daily.precipitation_probability_max,
            strict=True,
        )
    ]
