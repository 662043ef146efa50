"""The weather service, and the providers that ask it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from plugins.weather.open_meteo import OpenMeteo
from plugins.weather.open_weather_map import OpenWeatherMap
from plugins.weather.upstream import new_client
from tests.plugins_bundled.service import (
    BEIJING,
    CLEAR,
    KEY,
    OWM_CLEAR,
    Service,
    serving_on_loopback,
)


@pytest.fixture
def anyio_backend() -> str:
    """Plugins run on asyncio."""
    return "asyncio"


@pytest.fixture
def service() -> Iterator[Service]:
    """Answer for the length of one test as both providers would."""
    with serving_on_loopback() as service:
        service.answer("/v1/search", BEIJING)
        service.answer("/v1/forecast", CLEAR)
        service.answer("/data/2.5/weather", OWM_CLEAR)
        yield service


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The client that the plugin would make."""
    async with new_client() as client:
        yield client


@pytest.fixture
def open_meteo(client: httpx.AsyncClient, service: Service) -> OpenMeteo:
    """Open-Meteo as an operator would point it at a server of their own."""
    return OpenMeteo(
        client,
        base_url=service.url + "/",
        geocoding_url=service.url,
        timeout_s=5,
        api_key=None,
    )


@pytest.fixture
def open_weather_map(client: httpx.AsyncClient, service: Service) -> OpenWeatherMap:
    """OpenWeatherMap with a key."""
    return OpenWeatherMap(client, base_url=service.url, timeout_s=5, api_key=KEY)
