"""When a client comes back."""

import pytest

from hub.client.pace import Pace, may_return


def test_waits_are_full_jitter() -> None:
    """Anything between now and a ceiling that doubles, up to a limit."""
    pace = Pace(first_s=0.5, most_s=10)

    assert [pace.wait(n, 1.0) for n in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert pace.wait(5, 0.0) == 0
    assert pace.wait(10_000, 0.5) == 5


@pytest.mark.parametrize(
    ("code", "returns"),
    [
        *((1000, True), (1001, True), (1006, True), (1011, True), (1012, True)),
        *((4000, True), (4001, True), (4499, True), (4500, False), (4999, False)),
        *((1003, False), (1007, False), (1008, False), (1009, False)),
    ],
)
def test_the_range_of_a_close_code_is_the_verdict(code: int, *, returns: bool) -> None:
    """4000 to 4499 and most others come back, 4500 to 4999 do not."""
    assert may_return(code) is returns
