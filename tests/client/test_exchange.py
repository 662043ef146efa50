"""The way to a hub: through a proxy, or past it."""

import pytest

from hub.client.address import resolve
from hub.client.errors import UnreachableError
from hub.client.exchange import proxy_for
from hub.client.http import fetch
from tests.client.conftest import PLUGINS, Brisk
from tests.client.scripted import tunnels
from tests.client.test_http import PACE
from tests.served import Served, served


async def test_a_proxy_is_used_for_both_transports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one that the environment names, with its password; a refusal is said."""
    monkeypatch.setenv("no_proxy", "")
    async with (
        served(
            server__allowed_hosts=("hub.test",), plugins__paths=(str(PLUGINS),)
        ) as house,
        tunnels(house.port) as told,
    ):
        monkeypatch.setenv("http_proxy", f"http://me:secret@{told[0]}")
        async with Brisk("ws://hub.test:1", reconnect_for=5) as hub:
            assert (await (await hub.execute("lab.count", n=3))).result == 3
            assert (await hub.plugin("lab"))["name"] == "lab"
        assert len(told) == 3
        for request in told[1:]:
            assert request.startswith("CONNECT hub.test:1 ")
            assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in request
        async with tunnels(house.port, "403 Forbidden") as refusing:
            monkeypatch.setenv("http_proxy", f"http://{refusing[0]}")
            with pytest.raises(UnreachableError, match="does not connect to hub"):
                await fetch(resolve("ws://hub.test:1", None, {}), "api", pace=PACE)


async def test_tls_is_spoken_with_the_hub_behind_the_proxy(
    monkeypatch: pytest.MonkeyPatch, house: Served
) -> None:
    """Inside the tunnel; what speaks none there is said."""
    monkeypatch.setenv("no_proxy", "")
    async with tunnels(house.port) as told:
        monkeypatch.setenv("https_proxy", f"http://{told[0]}")
        with pytest.raises(UnreachableError, match="No TLS"):
            await fetch(resolve("wss://hub.test:1", None, {}), "api", pace=PACE)
    assert told[1].startswith("CONNECT hub.test:1 ")


@pytest.mark.parametrize("proxy", ["socks5h://127.0.0.1:1", "ftp://127.0.0.1:1"])
async def test_a_proxy_that_cannot_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Nothing is sent past it."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(UnreachableError):
        await fetch(resolve("ws://hub.test:1", None, {}), "api", pace=PACE)


def test_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says for the rest of the world."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    assert proxy_for(resolve("ws://localhost:8765", None, {})) is None
    assert proxy_for(resolve("ws://hub.test", None, {})) == "http://127.0.0.1:1"
