"""Large JSON is checked as strictly as small one, and leaves others their turns."""

import asyncio
import random
from pathlib import Path

import pytest

from hub.codec import MAX_DEPTH, ValueDomainError, from_json
from hub.runner import large
from hub.runner.large import check_large
from tests.runner.works import bench

BIG = """
    @command(isolation="process")
    def big(self, ctx: TaskContext, n: int) -> list[int]:
        return [0] * n
"""
PARTS = [
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b'\\"', b"\\u00e4", b"\\ud83d",
    b"\\ude00", "ä€😀".encode(), b"\xff", b"1", b"-0.5", b"1e5", b"1e999", b"-",
    b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809",
    b"0.12345678901234567890123", b"true", b"null", b" ", b"a,b[", b"\\\\",
]  # fmt: skip


def verdict(data: bytes) -> bool:
    """Whether the hub takes this as a small value."""
    try:
        from_json(data)
    except ValueDomainError:
        return False
    return True


def value(chance: random.Random, depth: int = 0) -> bytes:
    """Return JSON that is often right, and wrong in small ways."""
    kind = chance.randrange(8 if depth < 40 else 4)
    if kind < 2:
        return chance.choice(PARTS[14:25])
    if kind < 4:
        inner = chance.choices([*PARTS[8:13], b"x", b"a,b[", b"]", b"\\\\"], k=3)
        return b'"' + b"".join(inner) + b'"'
    width = 1 if depth > 3 else chance.randrange(4)
    inner = [value(chance, depth + 1) for _ in range(width)]
    if kind < 6:
        return b"[" + b",".join(inner) + b"]"
    # A name that is there twice would hide the first value from who decodes.
    return b"{" + b",".join(b'"%d":%b' % each for each in enumerate(inner)) + b"}"


@pytest.mark.parametrize("piece", [1, 2, 7, 64])
def test_a_large_value_is_judged_as_a_small_one(
    piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is cut: thousands of values, right and wrong ones."""
    monkeypatch.setattr(large, "PIECE", piece + 40)
    monkeypatch.setattr(large, "_LONG", 30)
    chance = random.Random(piece)
    seen = {True: 0, False: 0}
    for _ in range(4000):
        data = value(chance)
        if chance.random() < 0.2:
            at = chance.randrange(len(data) + 1)
            data = data[:at] + chance.choice(PARTS) + data[at:]
        expected = verdict(data)
        seen[expected] += 1
        try:
            check_large(data)
        except ValueDomainError:
            assert not expected, data
        else:
            assert expected, data
    assert min(seen.values()) > 300


@pytest.mark.parametrize(
    ("data", "good"),
    [
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, True),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), False),
        (b"[" * 100_000, False),
        (b'"' + b'\\"' * 400_000 + b'"', True),
        (b'"' + b"\\\\" * 400_000 + b'"', True),
        (b'"' + b"[" * 900_000 + b'"', True),
        (b'["' + b"x" * 400_000 + b'",' + b"9" * 25 + b"]", False),
        (b'["' + "ä".encode() * 400_000 + b'\xff"]', False),
        (b'["' + "ä".encode() * 400_000 + b'"]', True),
    ],
)
def test_edges(data: bytes, good: bool) -> None:
    """Depth to the last bracket; long texts, whatever is in them."""
    if good:
        check_large(data)
    else:
        with pytest.raises(ValueDomainError):
            check_large(data)


async def test_a_large_result_leaves_others_their_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not decoded on the loop."""

    def refuse(data: bytes) -> None:
        assert len(data) < large.LARGE

    monkeypatch.setattr("hub.runner.post.check_line", refuse)
    monkeypatch.setattr("hub.runner.remote.check_line", refuse)
    async with bench(tmp_path, a=BIG) as it:
        assert len(await it.run("a", "big", n=1_000_000)) == 1_000_000
        await asyncio.sleep(0)
