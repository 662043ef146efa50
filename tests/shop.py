"""A shop: commands of every sort behind a real orchestrator, and a till that waits."""

from pathlib import Path
from typing import Any

import msgspec

from hub.auth import LOCAL, Principal
from hub.engines.base import Bounds
from hub.engines.memory import MemoryEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.metrics import Metrics
from hub.orchestrator import Orchestrator
from hub.plugin.command import Defaults
from hub.protocol.frames import Execute
from hub.registry import Registry, Sources
from hub.runs import Claim, Opened, Outcome, Task
from hub.tasks import TaskStatus
from tests.engines.doubles import FakeTime

SHOP = '''
"""A shop."""
from typing import Literal
from hub.plugin.command import command
from hub.plugin.typed import Plugin

class Shop(Plugin):
    """Sells."""

    version = "{version}"

    @command(ttl=60)
    async def price(self, ctx, item: str, count: int = 1) -> int:
        """Mine, cached."""

    @command(ttl=60, unit="unit", public=True)
    async def open_price(self, ctx, item: str, unit: Literal["g", "kg"] = "g") -> int:
        """Everybody's, cached, with a unit."""

    @command(ttl=60, localized=True)
    async def label(self, ctx, item: str = "x") -> str:
        """In the reader's language."""

    @command(join=True)
    async def stock(self, ctx) -> int:
        """Shared while it runs."""

    @command(join=False)
    def sell(self, ctx, item: str = "x") -> None:
        """Each on its own, in a thread."""

    @command(retries=3)
    async def later(self, ctx) -> None:
        """Not served yet."""
'''

BOB = Principal(name="token:bob", scopes=frozenset({"execute"}))


class Till:
    """Notes claims, and ends them when a test says so."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []

    def accept(self, claim: Claim) -> None:
        """Note a claim."""
        self.claims.append(claim)

    def revoke(self, claim: Claim) -> None:
        """Do nothing: what is told to stop goes on until the test ends it."""


class Counter:
    """An orchestrator over real commands and a real engine."""

    def __init__(self, registry: Registry) -> None:
        self.time = FakeTime()
        self.engine = MemoryEngine(Bounds(), self.time.clock(), TaskIds())
        self.till = Till()
        self.engine.attend(self.till)
        self.metrics = Metrics()
        self.orchestrator = Orchestrator(self.engine, registry, self.metrics)

    def ask(
        self,
        command: str = "price",
        params: str = '{"item":"tea"}',
        *,
        by: Principal = LOCAL,
        locale: str = "en",
        # Any: other fields of the frame.
        **fields: Any,
    ) -> Opened | HubError:
        """Execute a command of the shop; the engine answers at once."""
        wish = Execute(
            id=1,
            plugin=fields.pop("plugin", "shop"),
            command=command,
            params=msgspec.Raw(params.encode()),
            **fields,
        )
        answers: list[Opened | HubError] = []
        room = 2**16 if fields.get("trace") == "room" else 0
        self.orchestrator.execute(by, wish, answers.append, locale=locale, room=room)
        (answer,) = answers
        return answer

    def task(self, *arguments: str, **fields: Any) -> Task:  # as in `ask`
        """Execute a command that must be taken."""
        answer = self.ask(*arguments, **fields)
        assert isinstance(answer, Opened), answer
        return answer.task

    def refusal(self, *arguments: str, **fields: Any) -> HubError:  # as in `ask`
        """Execute a command that must be refused."""
        answer = self.ask(*arguments, **fields)
        assert isinstance(answer, HubError), answer
        return answer

    def finish(self, task: Task) -> None:
        """Let a task's run complete."""
        self.engine.claim(task.run.request.queue, 1)
        claim = next(each for each in self.till.claims if each.run is task.run)
        ended = Outcome(status=TaskStatus.COMPLETED, ended_at=self.time.wall())
        assert self.engine.finish(claim, ended)

    def find(self, task_id: str, by: Principal, scope: str = "read") -> Task | HubError:
        """Look a task up."""
        found: list[Task | HubError] = []
        self.orchestrator.find(by, task_id, found.append, scope=scope)
        (answer,) = found
        return answer

    def cancel(self, task_id: str, by: Principal = LOCAL) -> str:
        """Cancel a task; return `ok`, or the code of the refusal."""
        said: list[HubError | None] = []
        self.orchestrator.cancel(by, task_id, said.append)
        (error,) = said
        return "ok" if error is None else error.code


def built(folder: Path, version: str) -> None:
    """Put the shop into a folder."""
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP.replace("{version}", version), "utf-8")


async def loaded(folder: Path, version: str = "1.0") -> Registry:
    """Return a registry with the shop."""
    built(folder, version)
    registry = Registry(
        Sources(folders=(folder,), entry_points=lambda: (), bundled=None),
        defaults=Defaults(ttl_s=300.0, timeout_s=300.0),
    )
    await registry.load()
    assert registry.refused() == []
    return registry
