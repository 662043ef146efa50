"""The context of a command: what it knows, and how its verbs read what they get."""

import asyncio
import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from fractions import Fraction

import pytest

from hub.auth import SCOPES, Principal
from hub.plugin.command import command
from hub.plugin.context import TaskContext, current_task
from hub.plugin.typed import Plugin
from hub.runs import Run
from tests.stage import PATIENCE_S, Script, Stage, said, soon, stage

ANNA = Principal(name="token:anna", scopes=frozenset(SCOPES))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Facts(Plugin):
    """Tells what the context holds."""

    @command
    async def private(self, ctx: TaskContext) -> list[str | None]:
        """Tell everything."""
        return _facts(ctx)

    @command(public=True)
    async def public(self, ctx: TaskContext) -> list[str | None]:
        """Tell what may be shared."""
        return _facts(ctx)

    @command(localized=True)
    async def localized(self, ctx: TaskContext) -> list[str | None]:
        """Tell everything, in the reader's language."""
        return _facts(ctx)


def _facts(ctx: TaskContext) -> list[str | None]:
    return [ctx.principal, ctx.key, ctx.trace, ctx.locale]


async def facts(hub: Stage, name: str) -> bytes:
    """Run a command of `Facts` and return its result."""
    opened = await hub.execute(
        name, plugin="facts", principal=ANNA, locale="zh-CN", key="k", trace=TRACE
    )
    return (await hub.outcome(opened.task)).result


async def test_a_command_knows_who_asks() -> None:
    """Principal, idempotency key and trace of the run's first task."""
    async with stage(Facts) as hub:
        known = await facts(hub, "private")

        assert known == b'["token:anna","k","%b","en"]' % TRACE.encode()


async def test_a_public_command_does_not() -> None:
    """Its result is shared, so it must not depend on who asked."""
    async with stage(Facts) as hub:
        assert await facts(hub, "public") == b'[null,null,null,"en"]'


async def test_a_localized_command_knows_the_language() -> None:
    """That of who asks; any other command gets the hub's."""
    async with stage(Facts) as hub:
        known = await facts(hub, "localized")

        assert known.endswith(b'"zh-CN"]')


async def test_a_run_and_its_first_task_are_named() -> None:
    """By ids that a reader knows too; the first attempt is 1."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> object:
            return [ctx.task_id, ctx.run_id == ctx.task_id, ctx.attempt, ctx.cancelled]

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.result == b'["%b",true,1,false]' % task.id.encode()


def test_outside_of_a_command_there_is_no_context() -> None:
    """`current_task()` says so, and what to do about it."""
    with pytest.raises(RuntimeError, match="inside of a command only"):
        current_task()


async def reported(hub: Stage, script: Script, kind: str = "coroutine") -> Run:
    """Run a script, and return its run."""
    return (await hub.run(kind, script)).run


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (0.4, 0.4),
        (0, 0),
        (1, 1),
        (-3, 0),
        (7.5, 1),
        (float("nan"), None),
        (float("inf"), 1),
        (float("-inf"), 0),
        (None, None),
        (True, 1),
        (Fraction(1, 4), 0.25),
        (Decimal("0.5"), 0.5),
    ],
)
async def test_progress_is_a_fraction(
    fraction: float | None, shown: float | None
) -> None:
    """From 0 to 1, cut to that; what is no number is unknown. It is a plain float."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.progress(fraction)

        found = (await reported(hub, script)).fraction

        assert found == shown
        assert found is None or type(found) in (int, float)


@pytest.mark.parametrize(
    ("step", "total", "shown"),
    [
        (1, 4, 0.25),
        (5, 4, 1),
        (-1, 4, 0),
        (3, None, None),
        (None, 4, None),
        (1, 0, None),
    ],
)
async def test_steps_are_progress(
    step: int | None, total: int | None, shown: float | None
) -> None:
    """`step` of `total` tells the fraction where none is given, and is told, too."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.progress(step=step, total=total)

        run = await reported(hub, script)

        assert run.fraction == shown
        assert (run.step, run.total) == (step, total)


async def test_a_fraction_wins_over_steps() -> None:
    """Where both are given; and the message is optional."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.progress(0.9, "nearly", step=1, total=4)

        run = await reported(hub, script)

        assert (run.fraction, run.message, run.step, run.total) == (0.9, "nearly", 1, 4)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("北京", "北京"),
        ("file \udcff", "file \\udcff"),
        (ValueError("a slip"), "a slip"),
        (5, "5"),
    ],
)
async def test_a_message_is_text(message: str, shown: str) -> None:
    """Whatever it was: file names that are no UTF-8, and objects, harm no reader."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.progress(0.5, message)

        assert (await reported(hub, script)).message == shown


async def test_tracking_reports_progress() -> None:
    """After each item; of what has a length the total is known."""
    async with stage() as hub:
        seen: list[tuple[object, ...]] = []

        async def script(ctx: TaskContext) -> None:
            run = task_run[0]
            seen.extend(
                (item, run.step, run.total, run.fraction, run.message)
                for item in ctx.track(["a", "b", "c", "d"], message="reading")
            )

        task = await hub.start("coroutine", script)
        task_run = [task.run]
        await hub.outcome(task)

        assert seen == [
            ("a", None, None, None, None),
            ("b", 1, 4, 0.25, "reading"),
            ("c", 2, 4, 0.5, "reading"),
            ("d", 3, 4, 0.75, "reading"),
        ]
        assert task.run.fraction == 1.0


async def test_tracking_an_iterator_needs_the_total() -> None:
    """Without one the steps are told, and the fraction is unknown."""
    async with stage() as hub:
        runs: list[Run] = []

        async def script(ctx: TaskContext) -> None:
            assert list(ctx.track(iter("ab"))) == ["a", "b"]

        async def script_with_total(ctx: TaskContext) -> None:
            assert list(ctx.track(iter("ab"), total=4)) == ["a", "b"]

        runs = [await reported(hub, each) for each in (script, script_with_total)]

        assert [(run.step, run.total, run.fraction) for run in runs] == [
            (2, None, None),
            (2, 4, 0.5),
        ]


async def test_tracking_works_on_async_iterables() -> None:
    """With `async for`, to the end; or left early, and the progress stays there."""
    async with stage() as hub:

        async def source() -> AsyncIterator[int]:
            for number in range(10):
                yield number

        async def script(ctx: TaskContext) -> None:
            async for number in ctx.track(source(), total=10):
                if number == 3:
                    break

        async def script_to_the_end(ctx: TaskContext) -> None:
            assert [number async for number in ctx.track(source())] == list(range(10))

        run = await reported(hub, script)
        whole = await reported(hub, script_to_the_end)

        assert (run.step, run.total, run.fraction) == (3, 10, 0.3)
        assert (whole.step, whole.total) == (10, None)


async def test_a_thread_tracks_too() -> None:
    """The same call, the same progress."""
    async with stage() as hub:

        def script(ctx: TaskContext) -> object:
            return sum(ctx.track(range(5)))

        task = await hub.run("plain", script)

        assert task.outcome
        assert task.outcome.result == b"10"
        assert task.run.fraction == 1.0


@pytest.mark.parametrize("kind", ["coroutine", "plain"])
async def test_log_takes_any_text(kind: str) -> None:
    """And levels of its own; what is no text is made one, surrogates too."""
    async with stage() as hub:

        def talk(ctx: TaskContext) -> None:
            ctx.log("plain")
            ctx.log("bad", "error")
            ctx.log(ValueError("no text"))  # type: ignore[arg-type]  # a slip
            ctx.log("file \udcff")

        async def on_the_loop(ctx: TaskContext) -> None:
            talk(ctx)

        def in_a_thread(ctx: TaskContext) -> None:
            talk(ctx)

        task = await hub.run(kind, on_the_loop if kind == "coroutine" else in_a_thread)
        records = said(task, "log")

        assert records[:3] == [
            {"level": "info", "message": "plain"},
            {"level": "error", "message": "bad"},
            {"level": "info", "message": "no text"},
        ]
        assert records[3]["message"].startswith("file ")


async def test_the_deadline_is_known() -> None:
    """In seconds that are left: the timeout's, as nothing else was said."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> object:
            return ctx.deadline

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.result == b"300.0"


async def test_a_cancelled_command_knows() -> None:
    """`ctx.cancelled` is false, and then true, in a thread at any time."""
    async with stage() as hub:
        begun, seen = threading.Event(), list[bool]()

        def script(ctx: TaskContext) -> None:
            seen.append(ctx.cancelled)
            begun.set()
            while not ctx.cancelled:
                pass
            seen.append(ctx.cancelled)

        task = await hub.start("plain", script)
        assert await asyncio.to_thread(begun.wait, PATIENCE_S)
        await hub.cancel(task)
        await soon(lambda: not hub.worker.running)

        assert seen == [False, True]
