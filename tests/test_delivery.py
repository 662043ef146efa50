"""Delivery: who has something to send is flushed once a turn, and never lost."""

import asyncio
import logging
from collections.abc import Generator

import msgspec
import pytest

from hub.delivery import Begun, Delivery, Wiring
from hub.engines.base import Bounds
from hub.engines.memory import MemoryEngine
from hub.ids import TaskIds
from hub.metrics import Metrics
from hub.plugin.context import TaskContext
from hub.protocol.frames import Goaway, Heartbeat
from tests.stage import PATIENCE_S, ManualClock, stage, turns

GOODBYE = Goaway(reason="shutdown", drain_ms=0, retry_after_ms=500)


class Sender:
    """Keeps what it is told."""

    waiting = False

    def __init__(self, delivery: Delivery) -> None:
        self.sent_at = delivery.wiring.clock.now()
        self.flushed = 0
        self.answers: list[msgspec.Struct] = []
        self.closing: list[tuple[int, str]] = []
        self.error: Exception | None = None
        self.failed = 0

    def flush(self) -> None:
        """Note that it was this one's turn."""
        self.flushed += 1
        if self.error is not None:
            raise self.error

    def answer(self, frame: msgspec.Struct) -> None:
        """Keep a frame."""
        self.answers.append(frame)

    def close_with(self, code: int, reason: str) -> None:
        """Keep why it is closed."""
        self.closing.append((code, reason))

    def fail(self) -> None:
        """Note that it could not be flushed."""
        self.failed += 1


def delivery(heartbeat_s: float = 20.0) -> tuple[Delivery, ManualClock]:
    """Return a delivery, and its clock."""
    clock = ManualClock(asyncio.get_running_loop())
    engine = MemoryEngine(Bounds(), clock, TaskIds())
    wiring = Wiring(
        engine=engine, clock=clock, metrics=Metrics(), heartbeat_s=heartbeat_s
    )
    return Delivery(wiring), clock


async def test_a_sender_is_flushed_in_the_next_turn() -> None:
    """Not at once, so that what happens in one turn leaves in one message."""
    made, _ = delivery()
    sender = Sender(made)

    made.ready(sender)
    assert sender.flushed == 0
    await turns(1)
    assert sender.flushed == 1
    await turns()

    assert sender.flushed == 1


async def test_senders_are_flushed_in_the_order_of_their_marks() -> None:
    """And those that are marked meanwhile in the turn after."""
    made, _ = delivery()
    order: list[str] = []

    class Named(Sender):
        """Says when its turn is."""

        def __init__(self, name: str) -> None:
            super().__init__(made)
            self.name = name

        def flush(self) -> None:
            order.append(self.name)
            if self.name == "a" and len(order) == 1:
                made.ready(self)

    for name in "abc":
        made.ready(Named(name))
    await turns()

    assert order == ["a", "b", "c", "a"]


async def test_a_sender_that_fails_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told to fail, the others have their turn; the log says why."""
    made, _ = delivery()
    bad, good = Sender(made), Sender(made)
    bad.error = ValueError("a fault of ours")

    made.ready(bad)
    made.ready(good)
    await turns()

    assert bad.failed == 1
    assert (good.flushed, good.failed) == (1, 0)
    assert "a fault of ours" in caplog.text


async def test_who_heard_nothing_for_long_is_pinged() -> None:
    """Once in a heartbeat; who was sent something is not."""
    made, clock = delivery(heartbeat_s=20)
    quiet, busy = Sender(made), Sender(made)
    made.add(quiet)
    made.add(busy)
    for _ in range(4):
        clock.advance(5)
        busy.sent_at = clock.now()
        made.tick()

    assert len(quiet.answers) == 1
    assert isinstance(quiet.answers[0], Heartbeat)
    assert quiet.answers[0].now.endswith("Z")
    assert busy.answers == []
    clock.advance(20)
    made.tick()
    assert len(quiet.answers) == 2


async def test_who_has_left_is_not_pinged() -> None:
    """Nor kept."""
    made, clock = delivery()
    sender = Sender(made)
    made.add(sender)
    made.discard(sender)
    clock.advance(100)
    made.tick()

    assert sender.answers == []


async def test_a_goodbye_is_said_to_everybody() -> None:
    """And waited for: `close` returns when the last one has gone."""
    made, _ = delivery()
    senders = [Sender(made) for _ in range(3)]
    for each in senders:
        made.add(each)

    closing = asyncio.create_task(made.close(lambda: GOODBYE, 4000, "going_away"))
    await turns()
    assert [each.answers for each in senders] == [[GOODBYE]] * 3
    assert [each.closing for each in senders] == [[(4000, "going_away")]] * 3
    for each in senders:
        assert not closing.done()
        made.discard(each)
    async with asyncio.timeout(PATIENCE_S):
        await closing


async def test_nobody_to_say_goodbye_to_is_nobody_to_wait_for() -> None:
    """`close` of an empty delivery returns at once."""
    made, _ = delivery()

    async with asyncio.timeout(PATIENCE_S):
        await made.close(lambda: GOODBYE, 4000, "going_away")


class Step:
    """Something to await that yields to the loop so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __await__(self) -> Generator[None, None, None]:
        for _ in range(self.times):
            yield


async def test_a_begun_coroutine_goes_on_where_it_stopped() -> None:
    """Whatever it waits for: bare turns, futures, sleeping."""
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    steps: list[str] = []

    async def work() -> None:
        steps.append("begun")
        await Step(2)
        steps.append("turned")
        steps.append(await future)
        await asyncio.sleep(0)
        steps.append("done")

    coroutine = work()
    blocked = coroutine.send(None)
    assert steps == ["begun"]
    begun = Begun(coroutine, blocked)

    async def go_on() -> None:
        await begun

    rest = asyncio.create_task(go_on())
    await turns()
    assert steps == ["begun", "turned"]
    future.set_result("told")
    await rest

    assert steps == ["begun", "turned", "told", "done"]


async def test_a_begun_coroutine_may_wait_for_a_future_first() -> None:
    """The future it was driven to by hand wakes the task it was left to."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await future

    coroutine = work()
    begun = Begun(coroutine, coroutine.send(None))

    async def go_on() -> None:
        await begun

    rest = asyncio.create_task(go_on())
    await turns()
    assert not rest.done()
    future.set_result(None)
    await rest


@pytest.mark.parametrize("error", [ValueError("broken"), None], ids=["raise", "cancel"])
async def test_a_begun_coroutine_hears_of_what_went_wrong(
    error: ValueError | None,
) -> None:
    """What it waits for may raise, and its task may be cancelled."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    heard: list[BaseException] = []

    async def work() -> None:
        try:
            await future
        except BaseException as trouble:
            heard.append(trouble)
            raise

    coroutine = work()
    begun = Begun(coroutine, coroutine.send(None))

    async def go_on() -> None:
        await begun

    rest = asyncio.create_task(go_on())
    await turns()
    if error is not None:
        future.set_exception(error)
        with pytest.raises(ValueError, match="broken"):
            await rest
        assert heard == [error]
    else:
        rest.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rest
        assert isinstance(heard[0], asyncio.CancelledError)


async def test_what_is_spawned_runs() -> None:
    """And is owned by the delivery until it is done."""
    made, _ = delivery()
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    await made.spawn(work())

    assert done.is_set()


async def test_what_a_server_logs_is_no_commands_record() -> None:
    """Sending happens after a command spoke, but not inside of it."""
    async with stage() as hub:
        sent = asyncio.Event()

        class Chatty(Sender):
            """Logs when it sends, as a server may."""

            def flush(self) -> None:
                logging.getLogger("server").warning("peer 10.0.0.7 is slow")
                sent.set()

        chatty = Chatty(hub.delivery)

        async def script(ctx: TaskContext) -> None:
            hub.delivery.ready(chatty)
            await ctx.chunk(1)
            async with asyncio.timeout(PATIENCE_S):
                await sent.wait()

        task = await hub.run("coroutine", script)

        assert task.run.log.chunks == 1
