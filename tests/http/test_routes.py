"""Routes: each with its methods, and nothing else."""

import pytest

from tests.http.client import Client, Exchange

ROUTES = {
    "/api/v1/tasks": {"POST"},
    "/api/v1/tasks/x": {"GET", "DELETE"},
    "/api/v1/tasks/x/result": {"GET"},
    "/api/v1/execute/stream": {"POST"},
    "/api/v1/plugins": {"GET"},
    "/api/v1/plugins/lab": {"GET"},
    "/api/v1/plugins/lab/add": {"POST"},
    "/api/v1/cache": {"GET", "DELETE"},
    "/healthz": {"GET"},
    "/": {"GET"},
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize("path", ROUTES)
async def test_a_route_has_its_methods(client: Client, path: str) -> None:
    """The others are not allowed there, nor do they fall through to the page."""
    for method in METHODS:
        response = await client.http.request(method, path)
        allowed = method in ROUTES[path]
        refused = response.status_code == 405 or (
            # Below the API a GET that no route takes is an address without a page.
            response.status_code == 404 and response.json()["code"] == "not_found"
        )
        unknown = path.startswith("/api/v1/tasks/x")
        assert not refused if allowed and not unknown else refused


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1", "/api/v2/tasks", "/api/v1/nothing", "/readyz"]
)
async def test_an_unknown_path_is_not_found(client: Client, path: str) -> None:
    """A problem, as everything that is refused."""
    response = await client.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_what_is_no_path_is_not_found(client: Client) -> None:
    """Such as the `*` that stands for the whole server."""
    exchange = Exchange(client.app, "GET", "*")
    exchange.say(b"")
    await exchange.run()

    assert exchange.status == 404
    assert exchange.headers["content-type"] == "application/problem+json"


async def test_the_socket_is_no_page(client: Client) -> None:
    """`/ws` without an upgrade is nothing to read."""
    assert (await client.get("/ws")).status_code == 404
