"""What the runner's tests have in common."""

from tests.runner.far_end import hub

__all__ = ["hub"]
