"""What commands say is text, whatever it looks like; the policy sees to the rest."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.blackbox.server import HubProcess
from tests.page.tab import Tab

STATIC = Path(__file__).parents[2] / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


def of_kind(suffix: str) -> list[Path]:
    """List the page's files of a kind, third-party ones aside."""
    return [path for path in STATIC.rglob(f"*{suffix}") if "vendor" not in path.parts]


@pytest.mark.needs("chromium")
def test_markup_in_output_stays_text(tab: Tab) -> None:
    """Markup in progress, logs, chunks, rows, results and errors is shown, not run."""
    for command in ("nasty.speak", "nasty.fail"):
        tab.pick(command)
        card = tab.run()
        tab.expect_status(card, "failed" if command.endswith("fail") else "completed")
        expect(card).to_contain_text("<script>window.harmed=1</script>")

    speaking = tab.cards.nth(1)
    expect(speaking.locator("th")).to_contain_text("<img src=x")
    expect(speaking.locator("td")).to_contain_text("<img src=x")
    expect(speaking.locator("ol.log")).to_contain_text("<img src=x")
    expect(speaking.locator("pre.json")).to_contain_text("9007199254740993")
    assert tab.page.locator(".card img, .card script").count() == 0
    assert tab.page.evaluate("window.harmed") is None


@pytest.mark.needs("chromium")
def test_the_policy_is_enforced(tab: Tab) -> None:
    """Were there a careless line in the page, the browser would refuse it."""
    refused = tab.page.evaluate(
        """() => {
          try { document.body.innerHTML = "<b>x</b>"; } catch (error) {
            return error.name;
          }
        }"""
    )

    assert refused == "TypeError"
    tab.errors.clear()  # the browser reported what this test did


def test_every_file_of_the_page_comes_with_the_policy(hub: HubProcess) -> None:
    """The page, its scripts and its styles are served under the strict policy."""
    with hub.http() as http:
        for name in ("", "index.html", "style.css", "js/app.js", "icon.svg"):
            answer = http.get(f"/{name}")
            assert answer.status_code == httpx.codes.OK, name
            assert answer.headers["content-security-policy"] == POLICY, name
            assert answer.headers["x-content-type-options"] == "nosniff", name
        assert "javascript" in http.get("/js/app.js").headers["content-type"]


def test_no_file_leads_out_of_the_page() -> None:
    """Only relative addresses, no inline script or style, no way to write markup."""
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|"
        r"new Function|DOMParser|\son\w+=\"|\sstyle=\"|<style|(?:src|href|from)=\"?/"
    )
    found = [
        f"{path.relative_to(STATIC)}:{number}: {line.strip()}"
        for path in [*of_kind(".js"), *of_kind(".html"), *of_kind(".css")]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if banned.search(line) or re.search(r"[\"'(]https?://(?!www\.w3\.org/)", line)
    ]

    assert found == []


def test_only_one_file_touches_the_network() -> None:
    """Where WebSocket and fetch are used is known: one file each."""
    users = {
        word: {path.name for path in of_kind(".js") if word in path.read_text("utf-8")}
        for word in ("new WebSocket", "fetch(")
    }

    assert users == {"new WebSocket": {"socket.js"}, "fetch(": {"catalogue.js"}}


def test_every_script_is_checked() -> None:
    """Each module has its types checked, and says first what it is for."""
    for path in of_kind(".js"):
        assert path.read_text("utf-8").startswith("// @ts-check\n/**\n"), path.name
