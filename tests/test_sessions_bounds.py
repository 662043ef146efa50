"""Sessions: bad frames, limits, and rights."""

import asyncio

import msgspec
import pytest

from hub.auth import Principal
from hub.plugin.context import TaskContext
from hub.sessions import House
from tests.stage import PATIENCE_S, SCRIPTED, Stage, stage
from tests.talk import Talk

BOTH = pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
ANNA = Principal(name="token:anna", scopes=frozenset({"execute"}))
BOB = Principal(name="token:bob", scopes=frozenset({"execute", "read", "cancel"}))


async def done(ctx: TaskContext) -> str:
    """Say something and return."""
    await ctx.chunk("said")
    return "done"


async def waiting(ctx: TaskContext) -> None:
    """Say something and wait."""
    await ctx.chunk("said")
    await asyncio.Event().wait()


@pytest.mark.parametrize("kind", ["list", "stats", "auth", "unlist", "unstats", "x"])
@BOTH
async def test_what_the_hub_does_not_know_yet_is_unknown(
    packed: bool, kind: str
) -> None:
    """`unknown_type`, with the id, however often; never silence."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        for _ in range(8):
            error = await talk.ask(kind, token="t")
            assert error["code"] == "unknown_type"
        assert talk.peer.closed is None


@BOTH
async def test_frames_of_an_array_are_answered_each(packed: bool) -> None:
    """In order; one that is bad does not take the others with it."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        await talk.peer.get("welcome")
        talk.peer.forget()
        talk.send(
            {"type": "ping", "id": 1},
            {"type": "cancel", "id": 2},
            {"type": "what", "id": 3},
            {"type": "ping", "id": 4},
        )
        await talk.answer(4)

        found = [(each["id"], each.get("code")) for each in talk.peer.frames]
        assert found == [(1, None), (2, "bad_frame"), (3, "unknown_type"), (4, None)]
        assert hub.metrics.frames_in == 4
        assert len(talk.peer.messages) == 1


@pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])
async def test_the_fifth_undecodable_message_is_the_last(packed: bool) -> None:
    """Four are answered; the fifth in a minute closes 4501, after its answer."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        bad: list[str | bytes] = [b"\xc1", "text"] if packed else ["{", b"binary"]
        for number in range(4):
            talk.raw(bad[number % 2])
        await talk.silence()
        assert len(talk.peer.of("error")) == 4
        hub.clock.advance(30)
        talk.raw(bad[0])

        assert await talk.peer.end() == (4501, "bad_frame")
        assert {each["code"] for each in talk.peer.of("error")} == {"bad_frame"}
        assert len(talk.peer.of("error")) == 5


async def test_undecodable_messages_are_forgotten_after_a_minute() -> None:
    """Now and then one is no reason to close."""
    async with stage() as hub:
        talk = Talk(hub.house)
        for _ in range(12):
            talk.raw("{")
            hub.clock.advance(16)
        await talk.silence()

        assert talk.peer.closed is None


async def test_a_message_over_the_limit_is_refused() -> None:
    """With its id where one can be read; the connection stays."""
    async with stage() as hub:
        talk = Talk(hub.house)
        text = msgspec.json.encode({"type": "ping", "id": 9, "pad": "x" * 300_000})
        talk.raw(text.decode())
        error = await talk.answer(9)

        assert (error["code"], error["detail"]) == (
            "frame_too_large",
            {"limit": 262_144},
        )
        await talk.silence()


async def task_of(hub: Stage, principal: Principal) -> tuple[Talk, str]:
    """Let somebody start a task; return their connection and its id."""
    talk = Talk(hub.house, principal=principal)
    opened = await talk.execute(hub, waiting)
    return talk, opened["task_id"]


async def test_a_foreign_task_is_an_unknown_one() -> None:
    """The same answer, byte for byte but the ids; and it can be neither cancelled."""
    async with stage() as hub:
        _, task_id = await task_of(hub, ANNA)
        bob = Talk(hub.house, principal=BOB)
        for kind in ("watch", "cancel"):
            foreign = await bob.ask(kind, task_id=task_id)
            unknown = await bob.ask(kind, task_id="nothing")
            for each in (foreign, unknown):
                each.pop("id")
                each.pop("task_id", None)
            assert foreign == unknown
        assert hub.worker.running == 1


@pytest.mark.parametrize(
    ("scopes", "kind", "answer"),
    [
        ({"monitor"}, "watch", "forbidden"),
        ({"monitor", "read"}, "watch", "opened"),
        ({"monitor", "read"}, "cancel", "forbidden"),
        ({"monitor", "cancel"}, "cancel", "ok"),
        ({"admin"}, "watch", "opened"),
        ({"admin"}, "cancel", "ok"),
        ({"read", "cancel", "execute"}, "cancel", "not_found"),
    ],
)
async def test_rights_on_the_tasks_of_others(
    scopes: set[str], kind: str, answer: str
) -> None:
    """As the scopes say: what one may see but not read is `forbidden`."""
    async with stage() as hub:
        _, task_id = await task_of(hub, ANNA)
        eve = Principal(name="token:eve", scopes=frozenset(scopes))
        found = await Talk(hub.house, principal=eve).ask(kind, task_id=task_id)

        assert answer in (found["type"], found.get("code"))


async def test_rights_on_ones_own_tasks() -> None:
    """`execute` is to start, and to read and cancel what one started."""
    async with stage() as hub:
        anna, task_id = await task_of(hub, ANNA)
        assert (await anna.ask("watch", task_id=task_id))["type"] == "opened"
        assert (await anna.ask("cancel", task_id=task_id))["type"] == "ok"
        reader = Principal(name="token:reader", scopes=frozenset({"read"}))
        refused = await Talk(hub.house, principal=reader).execute(hub, done)

        assert refused["code"] == "forbidden"
        assert refused["detail"] == {"scope": "execute"}


async def test_keys_of_two_principals_are_two_keys() -> None:
    """One's key says nothing about another's."""
    async with stage() as hub:
        anna = Talk(hub.house, principal=ANNA)
        bob = Talk(hub.house, principal=BOB)
        first = await anna.execute(hub, done, key="k")
        params = {"script": "done0"}
        second = await bob.ask(
            "execute", plugin=SCRIPTED, command="coroutine", params=params, key="k"
        )

        assert second["origin"] == "new"
        assert second["task_id"] != first["task_id"]


async def test_the_house_sets_the_limits() -> None:
    """Frame size, hello size and bad frames are settings."""
    async with stage() as hub:
        house = House(
            hub="h",
            orchestrator=hub.orchestrator,
            delivery=hub.delivery,
            frame_bytes=2_048,
            hello_bytes=100,
            bad_frames=2,
        )
        talk = Talk(house)
        talk.send({"type": "hello", "client": "x" * 100})
        assert (await talk.peer.get("error"))["detail"] == {"limit": 100}
        talk.send({"type": "ping", "id": 1, "pad": "x" * 3_000})
        assert (await talk.answer(1))["detail"] == {"limit": 2_048}
        talk.raw("{")
        talk.raw("{")
        async with asyncio.timeout(PATIENCE_S):
            assert (await talk.peer.end())[0] == 4501
