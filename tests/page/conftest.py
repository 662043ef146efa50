"""A real browser on the page of a real hub."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.blackbox.server import HubProcess
from tests.page.tab import Tab

PLUGINS = Path(__file__).parent / "plugins"
# What Chromium needs in a container, and what keeps it from talking to anybody else.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

OpenTab = Callable[..., Tab]
StartHub = Callable[..., HubProcess]


# As wide as this folder: while it lives, its event loop stands in others' way.
@pytest.fixture(scope="package")
def browser(debian_packages: Callable[..., None]) -> Iterator[Browser]:
    """Start the system's Chromium, once for all tests of the page."""
    debian_packages("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=ARGUMENTS
        )
        yield started
        started.close()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[OpenTab]:
    """Give a function that opens the page in a fresh profile."""
    contexts = []

    def open_one(url: str, **options: str) -> Tab:
        settings = {"locale": "en-US", **options}
        # The options are the browser's own; it checks them.
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        return Tab(context.new_page(), url)

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Start a hub that several tests share."""
    data = tmp_path_factory.mktemp("page") / "data"
    started = HubProcess(data, plugins=[PLUGINS]).start()
    yield started
    started.stop()


@pytest.fixture
def tab(open_tab: OpenTab, hub: HubProcess) -> Iterator[Tab]:
    """Open the shared hub's page; the browser may report no error to the end."""
    opened = open_tab(hub.url)
    yield opened
    opened.expect_no_errors()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[StartHub]:
    """Give a function that starts hubs of a test's own, on a port of choice."""
    started = []

    def start(data: str = "data", port: int = 0, **environ: str) -> HubProcess:
        hub = HubProcess(
            tmp_path / data, "--port", str(port), plugins=[PLUGINS], environ=environ
        )
        started.append(hub)
        return hub.start()

    yield start
    for hub in started:
        if hub.running:
            hub.stop()
