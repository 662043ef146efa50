"""A conversation on the stage: a session, and a client that speaks to it."""

from typing import Any

import msgspec

from hub.auth import LOCAL, Principal
from hub.protocol.writing import Subprotocol
from hub.sessions import House, Session
from tests.peer import Frame, Peer
from tests.stage import SCRIPTED, Script, Stage, turns


class Talk:
    """A session and its far end.

    Attributes:
        session: What is tested.
        peer: What came out of it.
    """

    def __init__(
        self,
        house: House,
        *,
        packed: bool = False,
        principal: Principal = LOCAL,
        locale: str = "en",
    ) -> None:
        self.peer = Peer()
        self._packed = packed
        subprotocol = Subprotocol.MSGPACK if packed else Subprotocol.JSON
        self.session = Session(house, subprotocol, self.peer, principal, locale)
        self._ids = 0

    def raw(self, message: str | bytes) -> None:
        """Send a message as it is."""
        self.session.receive(message)

    def send(self, *frames: Frame) -> None:
        """Send frames: one as it is, several as an array."""
        value = frames[0] if len(frames) == 1 else list(frames)
        if self._packed:
            self.raw(msgspec.msgpack.encode(value))
        else:
            self.raw(msgspec.json.encode(value).decode())

    async def ask(self, kind: str, **fields: Any) -> Frame:  # of any frame
        """Send a frame with an id, and wait for its answer."""
        self._ids += 1
        self.send({"type": kind, "id": self._ids, **fields})
        return await self.answer(self._ids)

    async def answer(self, id: str | int) -> Frame:
        """Wait for the frame that answers an id."""

        def answers() -> list[Frame]:
            return [each for each in self.peer.frames if each.get("id") == id]

        await self.peer.until(answers)
        return answers()[0]

    async def execute(self, hub: Stage, script: Script, **fields: Any) -> Frame:
        """Run a script, and return what came of the wish."""
        command = fields.pop("command", "coroutine")
        params = {"script": hub.name(script)}
        return await self.ask(
            "execute", plugin=SCRIPTED, command=command, params=params, **fields
        )

    async def result(self, task_id: str) -> Frame:
        """Wait for a task's result."""

        def found() -> list[Frame]:
            results = self.peer.of("result")
            return [each for each in results if each["task_id"] == task_id]

        await self.peer.until(found)
        return found()[0]

    async def silence(self) -> None:
        """Check that what was sent last is not answered: a later ping is."""
        await turns()
        before = len(self.peer.frames)
        assert (await self.ask("ping"))["type"] == "pong"
        assert len(self.peer.frames) == before + 1
