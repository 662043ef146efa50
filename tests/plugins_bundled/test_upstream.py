"""A weather service in trouble, alike for both providers."""

import logging
import socket

import httpx
import pytest

from hub import TaskError
from plugins.weather.open_meteo import OpenMeteo
from plugins.weather.open_weather_map import OpenWeatherMap
from plugins.weather.upstream import ANSWER_BYTES, hide_query
from tests.plugins_bundled.service import KEY, Service


async def fails(provider: OpenMeteo | OpenWeatherMap, locale: str = "en") -> TaskError:
    """Ask for the weather of Beijing, and return the error that must come."""
    with pytest.raises(TaskError) as caught:
        await provider.current("北京", "°C", locale)
    return caught.value


@pytest.fixture(params=["open_meteo", "open_weather_map"])
def provider(request: pytest.FixtureRequest) -> OpenMeteo | OpenWeatherMap:
    """Each provider in turn."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, OpenMeteo | OpenWeatherMap)
    return chosen


def answer_all(service: Service, body: object, status: int, **headers: str) -> None:
    """Let every path of both providers answer alike."""
    for path in ("/v1/search", "/v1/forecast", "/data/2.5/weather"):
        service.answer(path, body, status, **headers)


@pytest.mark.parametrize(
    ("locale", "text"),
    [("zh-CN", "API密钥无效或已过期"), ("en", "API key is invalid or expired")],
)
async def test_bad_key(
    provider: OpenMeteo | OpenWeatherMap, service: Service, locale: str, text: str
) -> None:
    """A 401 is told in the caller's language, and not tried again."""
    answer_all(service, {"cod": 401}, 401)

    error = await fails(provider, locale)

    assert ("bad_key", False, text) == (error.code, error.retry, error.message)


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (500, "unavailable", True),
        (503, "unavailable", True),
        (429, "busy", True),
        (400, "refused", False),
        (302, "refused", False),
    ],
)
async def test_statuses(
    provider: OpenMeteo | OpenWeatherMap,
    service: Service,
    status: int,
    code: str,
    retry: bool,
) -> None:
    """What may pass asks for a retry, the rest does not; redirects are not followed."""
    elsewhere = f"{service.url}/elsewhere"
    answer_all(service, {"reason": KEY}, status, Location=elsewhere)

    error = await fails(provider)

    assert (code, retry) == (error.code, error.retry)
    assert service.url.removeprefix("http://") in error.message
    assert KEY not in error.message
    assert len(service.asked) == 1


async def test_a_missing_page_of_open_meteo_is_no_unknown_city(
    open_meteo: OpenMeteo, service: Service
) -> None:
    """A wrong base_url is told as what it is."""
    service.answer("/v1/forecast", {}, 404)

    error = await fails(open_meteo)

    assert (error.code, error.retry) == ("refused", False)
    assert "HTTP 404" in error.message


@pytest.mark.parametrize(
    "body",
    [
        b"<html>captive portal</html>",
        b"",
        b"\xff\xfe{}",
        b"[]",
        b'{"results":[{"name":1}],"main":{}}',
        b'"' + b"x" * (ANSWER_BYTES + 1) + b'"',
        b'{"more":' + b"[" * 100_000,
    ],
    ids=["html", "empty", "no utf-8", "list", "types", "too long", "deep"],
)
async def test_bad_answers(
    provider: OpenMeteo | OpenWeatherMap, service: Service, body: bytes
) -> None:
    """Whatever a service sends, the task fails with a text, never with a traceback."""
    answer_all(service, body, 200)

    error = await fails(provider)

    assert (error.code, error.retry) == ("bad_answer", False)


async def test_a_silent_service_is_given_up(
    client: httpx.AsyncClient, service: Service
) -> None:
    """A service that takes requests and says nothing costs `timeout_s`, no more."""
    service.hold("/v1/search")
    slow = OpenMeteo(
        client,
        base_url=service.url,
        geocoding_url=service.url,
        timeout_s=0.2,
        api_key=None,
    )

    error = await fails(slow)

    assert (error.code, error.retry) == ("too_slow", True)
    assert "within 0.2 s" in error.message


async def test_no_network(client: httpx.AsyncClient) -> None:
    """A host that is not there is named, the key is not, and a retry may help."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    nobody = OpenWeatherMap(client, base_url=url, timeout_s=5, api_key=KEY)

    error = await fails(nobody, "zh-CN")

    assert (error.code, error.retry) == ("unreachable", True)
    assert f"无法连接天气服务 127.0.0.1:{port}" == error.message


async def test_the_key_is_in_no_log(
    open_weather_map: OpenWeatherMap, caplog: pytest.LogCaptureFixture
) -> None:
    """The HTTP library's own lines name the request without its query."""
    caplog.set_level(logging.DEBUG)

    await open_weather_map.current("北京", "°C", "en")

    assert "/data/2.5/weather" in caplog.text
    assert KEY not in caplog.text


def test_other_log_records_pass_as_they_are() -> None:
    """The filter touches nothing but URLs."""
    record = logging.LogRecord("httpx", 20, "", 1, "%(a)s", ({"a": 1},), None)

    assert hide_query(record)
    assert record.getMessage() == "1"
