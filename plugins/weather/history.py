"""Daily observations of two cities, 2012 to 2015, from the file beside this one.

Where they come from, and which column is not NOAA's own: `SOURCE.md`.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Literal

from msgspec import Struct, convert

FILE = Path(__file__).with_name("weather.csv")

City = Literal["Seattle", "New York"]
"""The cities that the file knows."""


class Observation(Struct, frozen=True, kw_only=True):
    """What was measured at one place on one day."""

    date: date
    precipitation: float
    temp_max: float
    temp_min: float
    wind: float
    weather: str


class Extreme(Struct, frozen=True, kw_only=True):
    """The day on which something was most, and how much it was."""

    date: date
    value: float


class Summary(Struct, frozen=True, kw_only=True):
    """What the observations come to: mm, °C, m/s."""

    city: City
    first: date
    last: date
    days: int
    mean_temp_max: float
    mean_temp_min: float
    mean_wind: float
    total_precipitation: float
    warmest: Extreme
    coldest: Extreme
    wettest: Extreme
    weather: dict[str, int]
    """Days by the word of the `weather` column."""


def load(path: Path = FILE) -> dict[City, list[Observation]]:
    """Read all observations, in order of their dates, by city.

    Raises:
        OSError: The file cannot be read.
        msgspec.ValidationError: It is not the file it should be.
    """
    history: dict[City, list[Observation]] = {"Seattle": [], "New York": []}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            city = convert(row.pop("location"), City)
            history[city].append(convert(row, Observation, strict=False))
    return history


def summarise(city: City, days: Sequence[Observation]) -> Summary:
    """Sum observations up; there must be at least one."""
    warmest = max(days, key=lambda day: day.temp_max)
    coldest = min(days, key=lambda day: day.temp_min)
    wettest = max(days, key=lambda day: day.precipitation)
    return Summary(
        city=city,
        first=days[0].date,
        last=days[-1].date,
        days=len(days),
        mean_temp_max=round(fmean(day.temp_max for day in days), 1),
        mean_temp_min=round(fmean(day.temp_min for day in days), 1),
        mean_wind=round(fmean(day.wind for day in days), 1),
        total_precipitation=round(sum(day.precipitation for day in days), 1),
        warmest=Extreme(date=warmest.date, value=warmest.temp_max),
        coldest=Extreme(date=coldest.date, value=coldest.temp_min),
        wettest=Extreme(date=wettest.date, value=wettest.precipitation),
        weather=dict(Counter(day.weather for day in days).most_common()),
    )
