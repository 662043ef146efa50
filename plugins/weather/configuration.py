"""What an operator may set."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# No user, password or query: what a base URL says is named in errors.
BaseUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]


class WeatherConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set in `[plugin.weather]`."""

    provider: Literal["open-meteo", "openweathermap"] = "open-meteo"
    base_url: BaseUrl | None = None
    """The provider's public address where None."""
    geocoding_url: BaseUrl | None = None
    """Open-Meteo only."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0
    """For each request."""
    api_key: Annotated[str, Meta(min_length=1)] | None = None
