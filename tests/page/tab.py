"""A tab of the browser on the page, watched for every error it reports."""

import re

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

ACTION_MS = 15_000
"""How long anything on the page may take; a busy machine is slow."""

LOST = re.compile(r"WebSocket connection to .* failed|load resource: net::ERR_")
"""What Chromium itself reports of a line that was cut, the page's icon included."""


class Tab:
    """What a user sees and does, in the words of the page."""

    def __init__(self, page: Page, url: str) -> None:
        """Open the page."""
        self.page = page
        self.url = url
        self.errors: list[str] = []
        page.set_default_timeout(ACTION_MS)
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.goto(url)

    def preset(self, name: str) -> Locator:
        """Run one of the requests that the page offers; its card."""
        self.page.get_by_role("button", name=name).click()
        return self.newest

    def pick(self, command: str) -> None:
        """Choose a command of the form."""
        self.page.get_by_label("Command", exact=True).select_option(label=command)

    def fill(self, **params: str) -> None:
        """Type into the form's fields, by the names of the parameters."""
        for name, text in params.items():
            self.page.locator(f"#param-{name}").fill(text)

    def run(self) -> Locator:
        """Press Run; the new task's card."""
        before = self.cards.count()
        self.page.get_by_role("button", name="Run", exact=True).click()
        expect(self.cards).to_have_count(before + 1)
        return self.newest

    @property
    def cards(self) -> Locator:
        """All cards, newest first."""
        return self.page.locator(".card")

    @property
    def newest(self) -> Locator:
        """The card of the task that was started last."""
        return self.cards.first

    def expect_status(self, card: Locator, status: str, within: int = 30_000) -> None:
        """Wait until a card says this of its task."""
        expect(card).to_have_attribute("data-status", status, timeout=within)

    def expect_link(self, state: str, within: int = 30_000) -> None:
        """Wait until the pill says this of the connection."""
        pill = self.page.locator(".pill")
        expect(pill).to_have_attribute("data-link", state, timeout=within)

    def expect_no_errors(self, *, but: re.Pattern[str] | None = None) -> None:
        """See that the browser reported nothing, or nothing but this."""
        left = [error for error in self.errors if not (but and but.search(error))]
        assert left == [], left

    def _console(self, message: ConsoleMessage) -> None:
        # Violations of the policy are reported as errors, too.
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    def _error(self, error: Error) -> None:
        self.errors.append(str(error))
