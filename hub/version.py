"""The version of taskhub."""

from typing import Final

VERSION: Final = "0.1.0"
