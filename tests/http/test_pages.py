"""The page: its files and nothing else, under a strict policy."""

import re
from pathlib import Path

import pytest

from hub.errors import CODES, NotFoundError
from hub.http.pages import POLICY, TYPES, manifest, static_folder
from tests.http.client import Client, Exchange


async def test_the_page_is_at_the_root(client: Client) -> None:
    """As HTML in UTF-8, under the policy."""
    response = await client.get("/")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.content == (static_folder() / "index.html").read_bytes()


async def test_every_file_is_served_under_the_policy(client: Client) -> None:
    """No inline script, no foreign source, no frame, no guessing, no referrer."""
    files = manifest(static_folder())
    assert len(files) > 3
    for path, file in files.items():
        response = await client.get(f"/{path}")
        headers = response.headers
        assert response.status_code == 200
        assert response.content == file.read_bytes()
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-type"].startswith(TYPES[file.suffix])


def test_the_policy_allows_what_the_page_needs() -> None:
    """And nothing more."""
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


async def test_the_page_keeps_to_its_policy(client: Client) -> None:
    """Its HTML has no inline script, style or handler, and only relative addresses."""
    html = (await client.get("/")).text

    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html) == []
    assert re.findall(r"(?:src|href)=\"(?:/|\w+:)", html) == []


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/js/../../pyproject.toml",
        "/..%2fpyproject.toml",
        "//etc/passwd",
        "/%2e%2e/pyproject.toml",
        "/js",
        "/js/",
        "/./index.html",
        "/index.html/",
        "/INDEX.HTML",
        "/index.html\x00.js",
        "/.git/config",
        "/~root",
    ],
)
async def test_nothing_else_can_be_had(client: Client, path: str) -> None:
    """A path is looked up in a list, never on the disk."""
    exchange = Exchange(client.app, "GET", path)
    exchange.say(b"")
    await exchange.run()

    assert exchange.status == 404
    assert exchange.headers["content-type"] == "application/problem+json"


def test_the_list_holds_known_kinds_only(tmp_path: Path) -> None:
    """By their paths below the folder; the root is the index."""
    (tmp_path / "js").mkdir()
    for name in (
        "index.html",
        "js/app.js",
        "notes.rst",
        ".hidden",
        "app.py",
        "js/x.map",
    ):
        (tmp_path / name).write_text("x")

    files = manifest(tmp_path)

    assert set(files) == {"", "index.html", "js/app.js"}
    assert files[""] == files["index.html"]


def test_a_folder_without_a_page_serves_none(tmp_path: Path) -> None:
    """Not even the root."""
    assert manifest(tmp_path) == {}


async def test_what_is_not_there_is_said_so(client: Client) -> None:
    """As a problem that speaks of an address, not of a task."""
    response = await client.get("/nothing.js")
    problem = response.json()

    assert (response.status_code, problem["status"]) == (404, 404)
    assert problem["code"] == "not_found"
    assert "task" not in problem["detail"]


async def test_other_methods_are_not_allowed(client: Client) -> None:
    """405 with what is; the problem says the same."""
    response = await client.http.post("/index.html")

    assert (response.status_code, response.json()["status"]) == (405, 405)
    assert response.json()["title"] == "Method Not Allowed"
    assert "GET" in response.headers["allow"]


def test_the_pages_errors_stand_in_for_no_other() -> None:
    """The protocol's `not_found` stays what it is."""
    assert CODES["not_found"] is NotFoundError
