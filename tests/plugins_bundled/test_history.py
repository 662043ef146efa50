"""The observations that come with the weather plugin."""

import hashlib
from datetime import date
from pathlib import Path

import msgspec
import pytest

from plugins.weather.history import FILE, City, load, summarise


def test_the_file_is_the_one_it_claims_to_be() -> None:
    """The bytes are those of the package, under both of their names."""
    data = FILE.read_bytes()

    assert len(data) == 121_417
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    assert blob == "0e7e853f4c5b67615da261d5d343824a43510f50"
    source = FILE.with_name("SOURCE.md").read_text("utf-8")
    assert blob in source
    assert hashlib.sha256(data).hexdigest() in source


@pytest.mark.parametrize("city", ["Seattle", "New York"])
def test_no_day_is_missing(city: City) -> None:
    """Four whole years, each day once, in order."""
    days = [day.date for day in load()[city]]

    first = date(2012, 1, 1).toordinal()
    expected = [date.fromordinal(first + number) for number in range(1461)]
    assert expected == days


def test_summary_is_of_the_file() -> None:
    """The sums are those of the file's own lines."""
    summary = summarise("Seattle", load()["Seattle"])

    lines = [
        line.split(",")
        for line in FILE.read_text("utf-8").splitlines()
        if line.startswith("Seattle,")
    ]
    wettest = max(lines, key=lambda line: float(line[2]))
    assert (date(2012, 1, 1), date(2015, 12, 31)) == (summary.first, summary.last)
    assert (summary.days, summary.city) == (1461, "Seattle")
    assert wettest[1] == summary.wettest.date.isoformat()
    assert float(wettest[2]) == summary.wettest.value
    assert round(sum(float(line[3]) for line in lines) / 1461, 1) == (
        summary.mean_temp_max
    )
    assert sum(summary.weather.values()) == 1461


@pytest.mark.parametrize(
    "line",
    ["Paris,2012-01-01,0,1,0,1,sun", "Seattle,2012-13-01,0,1,0,1,sun", "Seattle"],
    ids=["city", "date", "short"],
)
def test_another_file_is_refused(tmp_path: Path, line: str) -> None:
    """A file that is not the one it should be is not half read."""
    path = tmp_path / "weather.csv"
    header = "location,date,precipitation,temp_max,temp_min,wind,weather"
    path.write_text(f"{header}\n{line}\n", "utf-8")

    with pytest.raises(msgspec.ValidationError):
        load(path)
