"""What the runner's tests have in common."""

from tests.runner.far_end import hub
from tests.runner.stand_in import trial

__all__ = ["hub", "trial"]
