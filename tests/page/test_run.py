"""Running commands from the page, live, over the real protocol."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.page.conftest import OpenTab, StartHub
from tests.page.tab import Tab

pytestmark = pytest.mark.needs("chromium")

# The longest pause between two frames of the browser since it was last asked.
WATCH_FRAMES = """() => {
  window.pause = 0;
  let last = performance.now();
  const look = (now) => {
    window.pause = Math.max(window.pause, now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_a_countdown_is_live_from_start_to_end(tab: Tab) -> None:
    """A run shows its progress and log while it works, and its TaskResponse after."""
    tab.pick("demo.countdown")
    tab.fill(seconds="2", interval="0.1")
    card = tab.run()

    bar = card.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^[1-9]\d %$"))
    expect(card.locator(".saying")).to_contain_text("s left")
    tab.expect_status(card, "completed")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    expect(card.locator("ol.log li").last).to_contain_text("lift-off")
    expect(card.locator(".saying")).to_have_text("Task completed")
    response = json.loads(card.locator("pre.json").inner_text())
    assert response["result"] == {"seconds": 2.0, "ticks": 20}
    assert response["task_id"] == card.locator(".id").inner_text()


def test_who_waits_sees_the_place(open_tab: OpenTab, start_hub: StartHub) -> None:
    """The card of a task that waits says where it stands, and moves up."""
    hub = start_hub(TASKHUB__LIMITS__ASYNC_RUNS="1")
    tab = open_tab(hub.url)
    tab.pick("demo.countdown")
    tab.fill(seconds="60", interval="0.1")
    tab.run()
    tab.fill(seconds="1", interval="0.1")
    tab.run()
    tab.run()
    last, second, running = (tab.cards.nth(index) for index in range(3))
    expect(last.locator(".saying")).to_have_text("place 2 in the queue")
    expect(second.locator(".saying")).to_have_text("place 1 in the queue")

    running.get_by_role("button", name="Cancel").click()

    expect(last.locator(".saying")).to_have_text("place 1 in the queue")
    tab.expect_status(last, "completed")
    tab.expect_no_errors()


def test_real_weather_arrives_as_a_table(tab: Tab) -> None:
    """Four years of daily observations stream into a table of bounded size."""
    tab.pick("weather.history")
    tab.page.get_by_label("City").select_option("New York")
    card = tab.run()

    tab.expect_status(card, "completed")
    expect(card.locator("th").first).to_have_text("date")
    expect(card.locator("tbody tr")).to_have_count(100)
    expect(card.locator(".range")).to_have_text("rows 1,362 to 1,461 of 1,461")
    expect(card.locator("tbody tr").last).to_contain_text("2015-12-31")
    card.get_by_role("button", name="Earlier").click()
    expect(card.locator(".range")).to_have_text("rows 1,262 to 1,361 of 1,461")
    card.get_by_role("button", name="Newest").click()
    expect(card.locator("tbody tr").last).to_contain_text("2015-12-31")


@pytest.mark.slow
def test_every_preset_runs(tab: Tab) -> None:
    """Each request that the page offers reaches the end that it is meant to."""
    chips = tab.page.locator(".chip")
    expect(chips).to_have_count(6)
    for index in range(6):
        chips.nth(index).click()
    expect(tab.cards).to_have_count(6)

    tab.expect_status(tab.newest, "failed")
    expect(tab.newest.locator(".notice")).to_have_text("This was asked for")
    for index in range(1, 6):
        tab.expect_status(tab.cards.nth(index), "completed")
    tab.page.get_by_role("button", name="Clear finished").click()
    expect(tab.page.locator(".empty")).to_be_visible()


def test_ten_thousand_chunks_do_not_freeze_the_page(tab: Tab) -> None:
    """A flood is shown to its end, the page stays usable, and small."""
    tab.page.evaluate(WATCH_FRAMES)
    card = tab.preset("10,000 chunks")
    tab.expect_status(card, "completed", within=60_000)

    expect(card.locator(".facts")).to_contain_text("10,000")
    shown = len(card.locator("pre.text").text_content() or "")
    assert 0 < shown <= 200_000
    hidden = f"{10_000 * 64 - shown:,} more characters"
    expect(card.locator(".block .note")).to_contain_text(hidden)
    assert tab.page.evaluate("document.querySelectorAll('*').length") < 2_000
    # Time for the slowest of machines; a page that froze stops for many seconds.
    assert tab.page.evaluate("window.pause") < 1_000


def test_cancel_stops_a_run(tab: Tab) -> None:
    """Cancel ends the task as cancelled, which is no error; it can be run again."""
    tab.pick("demo.countdown")
    tab.fill(seconds="600", interval="0.1")
    card = tab.run()
    tab.expect_status(card, "running")
    card.get_by_role("button", name="Cancel").click()

    tab.expect_status(card, "cancelled")
    expect(card.locator(".notice")).to_be_hidden()
    response = json.loads(card.locator("pre.json").inner_text())
    assert (response["status"], response["error"]) == ("cancelled", None)
    card.get_by_role("button", name="Run again").click()
    expect(tab.cards).to_have_count(2)
    tab.expect_status(tab.newest, "running")
    tab.newest.get_by_role("button", name="Cancel").click()
    tab.expect_status(tab.newest, "cancelled")


def test_a_refused_request_names_the_field(tab: Tab) -> None:
    """What the hub refuses is said in the form, at the field; a reload runs nothing."""
    tab.pick("weather.forecast")
    card = tab.run()

    tab.expect_status(card, "refused")
    city = tab.page.get_by_label("City")
    expect(city).to_have_attribute("aria-invalid", "true")
    expect(card.locator(".notice")).to_contain_text("invalid_params")
    tab.page.reload()
    tab.expect_link("live")
    expect(tab.cards).to_have_count(0)


def test_params_of_any_form_are_sent_as_they_are(tab: Tab) -> None:
    """JSON goes there and back whole, integers of 64 bit to the last digit."""
    tab.pick("demo.echo")
    tab.fill(value='{"n": 9007199254740993, "list": [1, {"deep": null}]}')
    card = tab.run()

    tab.expect_status(card, "completed")
    text = card.locator("pre.json").inner_text()
    assert json.loads(text)["result"] == {
        "n": 9007199254740993,
        "list": [1, {"deep": None}],
    }
    tab.fill(value="{broken")
    tab.page.get_by_role("button", name="Run", exact=True).click()
    expect(tab.page.locator(".field .trouble")).to_have_text("This is not JSON.")
    expect(tab.cards).to_have_count(1)


def test_the_page_speaks_chinese(open_tab: OpenTab, tab: Tab) -> None:
    """A browser set to Chinese gets the page and the hub's own texts in Chinese."""
    other = open_tab(tab.url, locale="zh-CN")
    expect(other.page.locator(".pill .label")).to_have_text("已连接")
    card = other.preset("一次失败")

    other.expect_status(card, "failed")
    expect(card.locator(".saying")).to_have_text("任务执行失败")
    expect(card.locator(".badge")).to_have_text("失败")
    other.expect_no_errors()
