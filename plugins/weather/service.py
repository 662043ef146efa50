"""The service that the operator chose, and the connections to it."""

from .configuration import WeatherConfig
from .open_meteo import OpenMeteo
from .open_weather_map import OpenWeatherMap
from .upstream import new_client


class Service:
    """A provider with a client of its own.

    Args:
        config: Which provider; its key is there where it needs one.

    Attributes:
        provider: What answers.
    """

    def __init__(self, config: WeatherConfig) -> None:
        self._client = new_client()
        self.provider: OpenMeteo | OpenWeatherMap
        if config.provider == "open-meteo":
            self.provider = OpenMeteo(
                self._client,
                base_url=config.base_url,
                geocoding_url=config.geocoding_url,
                timeout_s=config.timeout_s,
                api_key=config.api_key,
            )
        else:
            self.provider = OpenWeatherMap(
                self._client,
                base_url=config.base_url,
                timeout_s=config.timeout_s,
                api_key=config.api_key or "",
            )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
