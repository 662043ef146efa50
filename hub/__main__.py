"""``python -m hub`` is ``taskhub``."""

from hub.cli import main

main()
