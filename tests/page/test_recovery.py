"""What the page makes of reloads, cut lines and hubs that die: the truth."""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.blackbox.server import HubProcess
from tests.page.conftest import OpenTab, StartHub
from tests.page.tab import LOST, Tab
from tests.proxy import PREFIX, Proxy

pytestmark = pytest.mark.needs("chromium")


def start_rows(tab: Tab, count: int, pace_ms: int) -> None:
    """Run a table of powers, and wait until some of it is there."""
    tab.pick("demo.rows")
    tab.fill(count=str(count), pace_ms=str(pace_ms))
    card = tab.run()
    expect(card.locator("tbody tr").nth(5)).to_be_visible()


def expect_rows(tab: Tab, count: int) -> None:
    """See that the newest card holds every row once, in order."""
    card = tab.newest
    tab.expect_status(card, "completed")
    first = card.locator("tbody td:first-child").all_inner_texts()
    assert [int(text) for text in first] == list(range(1, count + 1))


def test_a_reload_loses_nothing(tab: Tab) -> None:
    """Ended and running tasks are there again after a reload, whole, and go on."""
    tab.expect_status(tab.preset("A failure"), "failed")
    start_rows(tab, 80, 30)
    tab.page.reload()

    expect(tab.cards).to_have_count(2)
    tab.expect_status(tab.cards.nth(1), "failed")
    expect(tab.newest.locator(".params")).to_contain_text('"count":80')
    expect_rows(tab, 80)
    tab.page.reload()
    expect_rows(tab, 80)
    assert tab.newest.get_by_role("button", name="Run again").is_visible()


def test_the_address_leads_to_the_task(open_tab: OpenTab, tab: Tab) -> None:
    """Another browser opens the address and sees the same task, live."""
    start_rows(tab, 80, 30)
    expect(tab.newest.locator(".id")).to_be_visible()
    other = open_tab(tab.page.url)

    expect_rows(other, 80)
    expect(other.newest.locator("h2")).to_have_text("demo.rows")
    expect(other.newest.locator(".params")).to_contain_text('"count":80')
    other.expect_no_errors()


def test_an_unknown_task_in_the_address_is_said(open_tab: OpenTab, tab: Tab) -> None:
    """An address of a task that is not there says so, and invents no end."""
    other = open_tab(f"{tab.url}#task=00000000000000000000000000000000")

    other.expect_status(other.newest, "lost")
    expect(other.newest.locator(".notice")).to_contain_text("does not know this task")
    other.expect_no_errors()


def test_a_cut_line_is_taken_up_where_it_broke(
    open_tab: OpenTab, hub: HubProcess
) -> None:
    """A cut clears nothing; after it nothing is missing, and nothing is there twice."""
    with Proxy(hub.port) as proxy:
        tab = open_tab(proxy.url)
        start_rows(tab, 80, 30)
        proxy.cut()
        tab.expect_link("waiting")
        expect(tab.page.locator(".banner")).to_contain_text("Not connected")
        expect(tab.newest.locator("tbody tr").nth(5)).to_be_visible()
        expect(tab.newest.locator(".badge")).to_have_text("last seen running")
        proxy.heal()

        tab.expect_link("live")
        expect_rows(tab, 80)
        expect(tab.page.locator(".banner")).to_be_hidden()
        tab.expect_no_errors(but=LOST)


def test_a_wish_to_cancel_outlives_the_line(open_tab: OpenTab, hub: HubProcess) -> None:
    """Cancel pressed while the line is cut is carried out when it is back."""
    with Proxy(hub.port) as proxy:
        tab = open_tab(proxy.url)
        tab.pick("demo.countdown")
        tab.fill(seconds="600", interval="0.1")
        card = tab.run()
        tab.expect_status(card, "running")
        proxy.cut()
        tab.expect_link("waiting")
        card.get_by_role("button", name="Cancel").click()
        waits = card.get_by_role("button", name="Cancels on reconnect")
        expect(waits).to_be_disabled()
        proxy.heal()

        tab.expect_status(card, "cancelled")
        tab.expect_no_errors(but=LOST)


@pytest.mark.slow
def test_a_frozen_hub_is_stale(open_tab: OpenTab, start_hub: StartHub) -> None:
    """A hub that answers nothing is not shown as live, though its socket is open."""
    hub = start_hub()
    tab = open_tab(hub.url)
    tab.expect_link("live")
    os.kill(hub.pid, signal.SIGSTOP)
    try:
        tab.expect_link("stale")
    finally:
        os.kill(hub.pid, signal.SIGCONT)

    tab.expect_link("live")
    tab.expect_no_errors()


def test_a_request_that_got_no_answer_runs_once(
    open_tab: OpenTab, hub: HubProcess, tmp_path: Path
) -> None:
    """An execute whose answer was lost is sent again with its key: one run."""
    counted = tmp_path / "counted"
    with Proxy(hub.port) as proxy:
        tab = open_tab(proxy.url)
        tab.expect_link("live")
        tab.pick("nasty.count")
        tab.fill(file=str(counted))
        proxy.mute()
        card = tab.run()
        tab.page.wait_for_timeout(500)  # nothing may arrive: there is no event
        tab.expect_status(card, "sending")
        proxy.cut()
        tab.expect_link("waiting")
        proxy.heal()

        tab.expect_status(card, "completed")
        expect(card.locator(".facts")).to_contain_text("already accepted")
        assert counted.read_text() == "run\n"
        tab.expect_no_errors(but=LOST)


def test_a_killed_hub_is_waited_for(open_tab: OpenTab, start_hub: StartHub) -> None:
    """After kill -9 and a restart the page is back by itself, with the true end."""
    hub = start_hub()
    tab = open_tab(hub.url)
    tab.pick("demo.countdown")
    tab.fill(seconds="600", interval="0.1")
    card = tab.run()
    expect(card.locator("ol.log li").nth(3)).to_be_visible()
    hub.kill()
    tab.expect_link("waiting")
    expect(card.locator("ol.log li").nth(3)).to_be_visible()
    expect(card.locator(".badge")).to_have_text("last seen running")
    assert card.get_attribute("data-status") == "running"
    start_hub(port=hub.port)

    tab.expect_link("live")
    tab.expect_status(card, "failed")
    expect(card.locator(".facts")).to_contain_text("hub_restarted")
    expect(card.locator("ol.log li").first).to_contain_text("600 s left")
    tab.expect_no_errors(but=LOST)


@pytest.mark.slow
def test_another_hub_is_noticed(open_tab: OpenTab, start_hub: StartHub) -> None:
    """A hub with another store ends no task: it says that the end is not known."""
    hub = start_hub()
    tab = open_tab(hub.url)
    tab.pick("demo.countdown")
    tab.fill(seconds="600", interval="0.1")
    card = tab.run()
    expect(card.locator("ol.log li").nth(3)).to_be_visible()
    hub.kill()
    start_hub("other", port=hub.port)

    tab.expect_status(card, "lost")
    expect(card.locator(".notice")).to_contain_text("store was replaced")
    expect(card.locator("ol.log li").nth(3)).to_be_visible()
    tab.preset("A failure")
    tab.expect_status(tab.newest, "failed")
    tab.expect_no_errors(but=LOST)


def test_any_sub_path_will_do(open_tab: OpenTab, hub: HubProcess) -> None:
    """Behind a proxy on a sub-path the page works without any configuration."""
    with Proxy(hub.port) as proxy:
        tab = open_tab(f"{proxy.url.rstrip('/')}{PREFIX.decode()}/")
        tab.preset("A failure")
        tab.expect_status(tab.newest, "failed")
        tab.expect_no_errors()
