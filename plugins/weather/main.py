"""The weather plugin: now and ahead from a service, the past from a file."""

import asyncio
from importlib import import_module
from typing import Annotated, Any

from msgspec import Meta

from hub import Plugin, TaskContext, command

from .configuration import WeatherConfig
from .history import City, Observation, Summary, load, summarise
from .model import Forecast, Report, Unit

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


class Weather(Plugin):
    """Weather now and ahead, from Open-Meteo or OpenWeatherMap, and real history."""

    version = "1.0"
    Config = WeatherConfig
    config: WeatherConfig

    async def start(self) -> None:
        """Read the observations.

        Raises:
            ValueError: OpenWeatherMap was chosen, and no key given.
        """
        if self.config.provider == "openweathermap" and self.config.api_key is None:
            message = "provider openweathermap needs an api_key in [plugin.weather]"
            raise ValueError(message)
        self._history = await asyncio.to_thread(load)
        self._opening = asyncio.Lock()
        self._service: Any = None  # a Service, which is not imported yet

    async def stop(self) -> None:
        """Close the provider's connections."""
        if self._service is not None:
            await self._service.close()

    async def _provider(self) -> Any:  # OpenMeteo or OpenWeatherMap
        """Return the provider; reach for it with the first question.

        The HTTP client takes a quarter of the hub's start, and many a hub is never
        asked about the weather.
        """
        async with self._opening:
            if self._service is None:
                service = await asyncio.to_thread(
                    import_module, ".service", __package__
                )
                self._service = service.Service(self.config)
        return self._service.provider

    @command(ttl=300, unit="unit", public=True, localized=True)
    async def current(
        self, ctx: TaskContext, city: CityName, unit: TemperatureUnit = "°C"
    ) -> Report:
        """Report the weather of a city now."""
        provider = await self._provider()
        report: Report = await provider.current(city.strip(), unit, ctx.locale)
        return report

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
        provider = await self._provider()
        forecast: Forecast = await provider.forecast(
            city.strip(), days, unit, ctx.locale
        )
        return forecast

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


def _report(ctx: TaskContext, number: int, total: int, day: Observation) -> None:
    """Say how far the stream has come."""
    ctx.progress(number / total, day.date.isoformat(), step=number, total=total)
