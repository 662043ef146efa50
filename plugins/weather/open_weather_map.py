"""OpenWeatherMap: the other provider, for those who have a key.

Its free forecast comes in steps of three hours over five days; they are gathered
into days by the place's own clock.
"""

from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

import httpx
from msgspec import Meta, Struct
from msgspec.json import Decoder

from .model import Day, Forecast, Report, Temperature, Unit
from .troubles import trouble
from .upstream import MissingError, Upstream
from .words import OPEN_WEATHER_MAP, condition

BASE_URL = "https://api.openweathermap.org"
MOST_DAYS = 5
NOON = 12
UNITS = {"°C": "metric", "°F": "imperial"}

T = TypeVar("T")
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Sky(Struct, frozen=True):
    """One condition; the first of a list is the main one."""

    id: int


class Reading(Struct, frozen=True):
    """Temperatures in the unit that was asked for."""

    temp: float
    temp_min: float
    temp_max: float


class NowAnswer(Struct, frozen=True):
    """The answer of `/data/2.5/weather`."""

    name: Name
    main: Reading
    weather: Annotated[list[Sky], Meta(min_length=1)]


class Step(Struct, frozen=True):
    """Three hours of the forecast, named by the moment in their middle."""

    # Bounded, so that every moment is one that datetime can say.
    dt: Annotated[int, Meta(ge=0, le=4_102_444_800)]
    main: Reading
    weather: Annotated[list[Sky], Meta(min_length=1)]
    pop: float = 0.0
    """Probability of precipitation, 0 to 1."""


class City(Struct, frozen=True):
    """The place and its distance from UTC in seconds."""

    name: Name
    timezone: Annotated[int, Meta(ge=-86_400, le=86_400)] = 0


class StepsAnswer(Struct, frozen=True):
    """The answer of `/data/2.5/forecast`."""

    city: City
    list: list[Step]


NOW = Decoder(NowAnswer)
STEPS = Decoder(StepsAnswer)


class OpenWeatherMap:
    """Asks OpenWeatherMap, which finds the city itself.

    Args:
        client: Made and closed by the caller.
        base_url: Serves `/data/2.5/…`; the public service where None.
        timeout_s: For the one request that a command needs.
        api_key: The operator's.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str | None,
        timeout_s: float,
        api_key: str,
    ) -> None:
        self._upstream = Upstream(client, base_url or BASE_URL, timeout_s)
        self._key = api_key

    async def current(self, city: str, unit: Unit, locale: str) -> Report:
        """Report the weather of a city now."""
        query = self._query(city, unit, locale)
        answer = await self._get("/data/2.5/weather", query, NOW, locale)
        return Report(
            city=answer.name,
            temperature=Temperature(current=answer.main.temp, unit=unit),
            weather=condition(OPEN_WEATHER_MAP, answer.weather[0].id, locale),
        )

    async def forecast(self, city: str, days: int, unit: Unit, locale: str) -> Forecast:
        """Forecast the next `days` days of a city, today being the first.

        Raises:
            TaskError: Code `too_many_days` for more than five, beside all that
                `Upstream.get` raises.
        """
        if days > MOST_DAYS:
            raise trouble("too_many_days", locale, most=MOST_DAYS)
        query = self._query(city, unit, locale)
        answer = await self._get("/data/2.5/forecast", query, STEPS, locale)
        by_day: dict[date, list[tuple[int, Step]]] = {}
        for step in answer.list:
            moment = datetime.fromtimestamp(step.dt + answer.city.timezone, UTC)
            by_day.setdefault(moment.date(), []).append((moment.hour, step))
        ahead = [_day(day, by_day[day], locale) for day in sorted(by_day)[:days]]
        return Forecast(city=answer.city.name, unit=unit, days=ahead)

    async def _get(
        self, path: str, query: dict[str, str], decoder: Decoder[T], locale: str
    ) -> T:
        """Ask; here a 404 means that no such city is known."""
        try:
            return await self._upstream.get(path, query, decoder, locale)
        except MissingError:
            raise trouble("unknown_city", locale, city=query["q"]) from None

    def _query(self, city: str, unit: Unit, locale: str) -> dict[str, str]:
        """Say which city, in which unit and language, and who asks."""
        return {
            "q": city,
            "units": UNITS[unit],
            "lang": "zh_cn" if locale == "zh-CN" else "en",
            "appid": self._key,
        }


def _day(day: date, steps: list[tuple[int, Step]], locale: str) -> Day:
    """Sum the steps of one day up; its sky is the one nearest to noon."""
    _, midday = min(steps, key=lambda hour_and_step: abs(hour_and_step[0] - NOON))
    return Day(
        date=day,
        max=max(step.main.temp_max for _, step in steps),
        min=min(step.main.temp_min for _, step in steps),
        weather=condition(OPEN_WEATHER_MAP, midday.weather[0].id, locale),
        precipitation_probability=round(100 * max(step.pop for _, step in steps)),
    )
