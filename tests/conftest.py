"""What every test may count on: profiles, system packages, no silent skip."""

import os
from collections.abc import Callable, Generator
from typing import TypeVar

import hypothesis
import pytest

from tests import debian_packages as packages

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
Reporting = Generator[None, Report, Report]

CI = os.environ.get("CI") == "true"

# Coverage and a busy machine make single examples slow: pytest-timeout sees to time.
hypothesis.settings.register_profile(
    "ci", deadline=None, max_examples=200, derandomize=True, print_blob=True
)
hypothesis.settings.register_profile("dev", deadline=None, max_examples=50)
hypothesis.settings.load_profile("ci" if CI else "dev")

# Apt fetches a browser within the first such test's time.
INSTALL_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that may have to install a package the time for it."""
    for item in items:
        if item.get_closest_marker("needs") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS))


@pytest.fixture(scope="session")
def debian_packages() -> Callable[..., None]:
    """Return `needs`: install the packages it is given, or skip saying how to."""

    def needs(*names: str) -> None:
        try:
            packages.provide(names)
        except packages.MissingPackagesError as missing:
            pytest.skip(str(missing))

    return needs


@pytest.fixture(autouse=True)
def _needed_packages(request: pytest.FixtureRequest) -> None:
    """Serve `@pytest.mark.needs("chromium")`."""
    marker = request.node.get_closest_marker("needs")
    if marker:
        request.getfixturevalue("debian_packages")(*marker.args)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure: in CI nothing may be left out unseen."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI=true allows no skip: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Reporting[pytest.TestReport]:
    """Let no test be skipped in CI."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Reporting[pytest.CollectReport]:
    """Let no module be skipped in CI."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start processes without the measurement of coverage.

    It writes a file when a process ends, which takes a disk, and a thread that can be
    had now and then.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
