"""What a search looks for: a text, or a regular expression from a stranger.

Expressions are those of the library `regex`, which lets go of the interpreter while it
matches and stops when its time is up: one that would take for ever costs a second,
and holds up nobody else.
"""

import re
from collections.abc import Iterator
from typing import Final

import regex

from hub import TaskError

LINE_S: Final = 0.5
"""Seconds that an expression may take for one line."""

# What means something else between the ends of a line than among other lines: looks
# around, atomic groups, ends of a text.
_LOCAL: Final = re.compile(r"\(\?[=!<>(|]|\\[AZzG]|[*+?}]\+|\(\*")

# Recursion takes memory as fast as it can; no time limit is short enough for that. What
# stands behind a backslash opens no group. Verbose expressions may have spaces and
# comments between all that makes a call; `{0}` is where.
_CALL: Final = r"\\.|(?P<call>\({0}\?{0}(?:R|[+-]?{0}\d|&|P{0}[>&]))"
_CALLS: Final = re.compile(_CALL.format(""), re.DOTALL)
_VERBOSE_CALLS: Final = re.compile(_CALL.format(r"(?:\s|#[^\n]*\n)*+"), re.DOTALL)

# What makes an expression verbose, as a whole or from there on. Before it none is, so
# nothing stands between these characters.
_VERBOSE: Final = re.compile(r"\(\?[A-Za-z0-9]*x")


class Pattern:
    """A text or an expression to find.

    Args:
        text: What to look for.
        expression: Whether it is an expression.
        ignore_case: Whether case counts for nothing.
        line_s: Seconds that it may take for one line.

    Raises:
        TaskError: It is no expression, or one that calls itself.
    """

    def __init__(
        self,
        text: str,
        *,
        expression: bool = False,
        ignore_case: bool = False,
        line_s: float = LINE_S,
    ) -> None:
        self._text = text
        self._line_s = line_s
        self._plain = not expression and not ignore_case
        verbose = expression and _VERBOSE.search(text) is not None
        self._local = verbose or (expression and _LOCAL.search(text) is not None)
        self._compiled = _compile(
            text if expression else re.escape(text), ignore_case=ignore_case
        )
        if expression and _calls(text, verbose=verbose):
            raise _bad(text, "it calls itself, which is not allowed here")

    def may_be_in(self, block: str) -> bool:
        """Whether lines of a block have to be looked at one by one.

        Where an expression fits a line, it fits the block, too, unless it looks at the
        surroundings. So most blocks cost one search in place of one for each line.
        """
        if self._plain:
            return self._text in block
        if self._local:
            return True
        try:
            search = self._compiled.search
            return bool(search(block, timeout=self._line_s, concurrent=True))
        except TimeoutError:
            return True

    def spans(self, line: str) -> Iterator[tuple[int, int]]:
        """Yield where it is in a line.

        Raises:
            TaskError: That takes too long.
        """
        try:
            for found in self._compiled.finditer(
                line, timeout=self._line_s, concurrent=True
            ):
                yield found.span()
        except TimeoutError:
            raise TaskError(
                f"The expression “{self._text}” takes longer than {self._line_s:g} s "
                "for one line: make it simpler",
                code="pattern_too_slow",
            ) from None


def _calls(expression: str, *, verbose: bool) -> bool:
    """Whether an expression calls itself, or a group of its own."""
    calls = _VERBOSE_CALLS if verbose else _CALLS
    return any(found["call"] for found in calls.finditer(expression))


def _compile(expression: str, *, ignore_case: bool) -> regex.Pattern[str]:
    flags = regex.IGNORECASE | regex.FULLCASE if ignore_case else regex.VERSION0
    try:
        return regex.compile(expression, flags | regex.MULTILINE)
    # ValueError: its flags do not go together.
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise _bad(expression, str(error)) from None


def _bad(expression: str, why: str) -> TaskError:
    return TaskError(
        f"“{expression}” is no regular expression: {why}", code="bad_pattern"
    )
