"""What the weather commands answer."""

from datetime import date
from typing import Literal

from msgspec import Struct

Unit = Literal["°C", "°F"]
"""The temperature units that a caller may ask for."""


class Temperature(Struct, frozen=True, kw_only=True):
    """A temperature with the unit it is in."""

    current: float
    unit: Unit


# The order of the fields is the order of the keys in the answer.
class Report(Struct, frozen=True, kw_only=True):
    """The weather of one place now."""

    city: str
    temperature: Temperature
    weather: str


class Day(Struct, frozen=True, kw_only=True):
    """One day ahead; null where the provider does not look so far."""

    date: date
    max: float | None
    min: float | None
    weather: str | None
    precipitation_probability: int | None
    """Percent."""


class Forecast(Struct, frozen=True, kw_only=True):
    """The days ahead at one place, from today, in its local time."""

    city: str
    unit: Unit
    days: list[Day]
