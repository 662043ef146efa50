"""Bounds on what a command says."""

from hub.codec import from_json
from hub.runner.caps import binary_pieces, chunk_too_large, text_pieces


def test_long_text_is_cut_and_nothing_is_lost() -> None:
    """Every piece fits, whatever its characters take; joined they are the text."""
    text = "aé\x01\U0001f600" * 500

    pieces = list(text_pieces(text, 100))

    assert all(len(piece) <= 100 for piece in pieces)
    assert "".join(from_json(piece) for piece in pieces) == text


def test_text_that_fits_is_one_piece() -> None:
    """The empty one as well."""
    assert list(text_pieces("short", 100)) == [b'"short"']
    assert list(text_pieces("", 100)) == [b'""']


def test_bytes_are_cut_so_that_their_base64_fits() -> None:
    """Joined they are what was given; nothing is one empty piece."""
    data = bytes(range(256)) * 4

    pieces = list(binary_pieces(data, 100))

    assert b"".join(pieces) == data
    assert max(len(piece) for piece in pieces) * 4 / 3 <= 100
    assert list(binary_pieces(b"", 100)) == [b""]


def test_a_chunk_that_is_too_large_is_told_with_figures() -> None:
    """For people in the text, for programs in the detail."""
    error = chunk_too_large(200, 100)

    assert "200" in error.message
    assert (error.code, error.detail) == (
        "chunk_too_large",
        {"bytes": 200, "limit": 100},
    )
