"""The weather plugin: now and ahead from a service, the past from a file."""

import asyncio
from typing import Annotated, Literal

import httpx
from msgspec import Meta, Struct

from hub import Plugin, TaskContext, command

from .history import City, Observation, Summary, load, summarise
from .model import Forecast, Report, Unit
from .open_meteo import OpenMeteo
from .open_weather_map import OpenWeatherMap
from .upstream import new_client

# No user, password or query: what a base URL says is named in errors.
BaseUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]

CityName = Annotated[
    str,
    Meta(
        title="City",
        description="Name of a city, in any language.",
        min_length=1,
        max_length=100,
        pattern=r"\S",
        examples=["北京", "Berlin"],
    ),
]
TemperatureUnit = Annotated[
    Unit, Meta(title="Unit", description="Unit of the temperatures.")
]


class WeatherConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set in `[plugin.weather]`."""

    provider: Literal["open-meteo", "openweathermap"] = "open-meteo"
    base_url: BaseUrl | None = None
    """The provider's public address where None."""
    geocoding_url: BaseUrl | None = None
    """Open-Meteo only."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    """For each request."""
    api_key: Annotated[str, Meta(min_length=1)] | None = None


class Weather(Plugin):
    """Weather now and ahead, from Open-Meteo or OpenWeatherMap, and real history."""

    version = "1.0"
    Config = WeatherConfig
    config: WeatherConfig

    async def start(self) -> None:
        """Read the observations, and make the client of the provider.

        Raises:
            ValueError: OpenWeatherMap was chosen, and no key given.
        """
        self._history = await asyncio.to_thread(load)
        self._client = new_client()
        self._provider = _provider(self.config, self._client)

    async def stop(self) -> None:
        """Close the provider's connections."""
        await self._client.aclose()

    @command(ttl=300, unit="unit", public=True, localized=True)
    async def current(
        self, ctx: TaskContext, city: CityName, unit: TemperatureUnit = "°C"
    ) -> Report:
        """Report the weather of a city now."""
        return await self._provider.current(city.strip(), unit, ctx.locale)

    @command(ttl=300, unit="unit", public=True, localized=True)
    async def forecast(
        self,
        ctx: TaskContext,
        city: CityName,
        days: Annotated[
            int,
            Meta(
                title="Days",
                description="How many days, today included (OpenWeatherMap: up to 5).",
                ge=1,
                le=16,
            ),
        ] = 5,
        unit: TemperatureUnit = "°C",
    ) -> Forecast:
        """Forecast the weather of a city, day by day."""
        return await self._provider.forecast(city.strip(), days, unit, ctx.locale)

    @command(timeout=3600)
    async def history(
        self,
        ctx: TaskContext,
        city: Annotated[
            City, Meta(title="City", description="Where the weather was observed.")
        ],
        year: Annotated[
            int,
            Meta(
                title="Year",
                description="2012 to 2015; all four years where left out.",
                ge=2012,
                le=2015,
            ),
        ]
        | None = None,
        pace_ms: Annotated[
            int,
            Meta(
                title="Pace",
                description="Pause after each row in milliseconds, to watch it live.",
                ge=0,
                le=1000,
            ),
        ] = 0,
    ) -> Summary:
        """Stream the real daily observations of a city, and sum them up.

        NOAA's figures, in mm, °C and m/s, from a file that comes with the plugin: no
        network is needed. The word in `weather` was derived from them by others.
        """
        days = [day for day in self._history[city] if year in (None, day.date.year)]
        for number, day in enumerate(days, 1):
            await ctx.chunk(day, kind="row")
            _report(ctx, number, len(days), day)
            await asyncio.sleep(pace_ms / 1000)
        return summarise(city, days)


def _provider(
    config: WeatherConfig, client: httpx.AsyncClient
) -> OpenMeteo | OpenWeatherMap:
    """Make the provider that the operator chose."""
    if config.provider == "open-meteo":
        return OpenMeteo(
            client,
            base_url=config.base_url,
            geocoding_url=config.geocoding_url,
            timeout_s=config.timeout_s,
            api_key=config.api_key,
        )
    if config.api_key is None:
        message = "provider openweathermap needs an api_key in [plugin.weather]"
        raise ValueError(message)
    return OpenWeatherMap(
        client,
        base_url=config.base_url,
        timeout_s=config.timeout_s,
        api_key=config.api_key,
    )


def _report(ctx: TaskContext, number: int, total: int, day: Observation) -> None:
    """Say how far the stream has come."""
    ctx.progress(number / total, day.date.isoformat(), step=number, total=total)
