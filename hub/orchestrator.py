"""The orchestrator: what a caller may do with commands and tasks.

It checks (rights, params, limits), turns a request into a `Submission`, and leaves the
decision to the engine. It knows nothing of who runs commands, nor of sockets.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from hub.auth import Principal, check, refusal
from hub.cache import CacheStatistics
from hub.engines.base import Answer, Done, Engine
from hub.errors import DrainingError, HubError, NotFoundError
from hub.metrics import Metrics
from hub.plugin.spec import CommandSpec, Parsed, Prepared
from hub.protocol.frames import Execute
from hub.registry import Registry
from hub.responses import rfc3339
from hub.runs import Opened, Origin, Run, Submission, Task

SEPARATOR: Final = b"\0"
_MOST_KNOWN: Final = 4096
"""How many hashes of requests are remembered."""
_MOST_CANONICAL: Final = 1024
"""Params of up to so many bytes have theirs remembered."""


class CacheRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run that may answer others, for people.

    Attributes:
        key: The readable key.
        plugin: The plugin's name.
        command: The command's name.
        bytes: Of its log and result.
        cached_at: RFC 3339.
        expires_at: RFC 3339.
    """

    key: str
    plugin: str
    command: str
    bytes: int
    cached_at: str
    expires_at: str


class Orchestrator:
    """Takes requests.

    Args:
        engine: Decides, keeps and hands out.
        registry: Where the commands are.
        metrics: Counts.

    Attributes:
        draining: Whether new work is refused, because the hub is going.
    """

    def __init__(self, engine: Engine, registry: Registry, metrics: Metrics) -> None:
        self.draining = False
        self._engine = engine
        self._registry = registry
        self._metrics = metrics
        self._known: dict[tuple[CommandSpec, str, bytes, str], bytes] = {}

    def execute(
        self,
        principal: Principal,
        wish: Execute,
        answer: Answer,
        *,
        locale: str,
        room: int = 0,
    ) -> None:
        """Ask for a command to be run.

        Args:
            principal: Who asks.
            wish: What they ask for; its params are JSON.
            answer: Takes the task, or the error that it is refused with.
            locale: The language of who asks.
            room: See `Submission.room`.
        """
        try:
            spec, parsed = self._admit(principal, wish)
        except HubError as error:
            self._metrics.refuse(error.code)
            answer(error)
            return
        flight = None
        if spec.join or spec.ttl is not None:
            flight = self._flight(spec, principal.name, parsed.canonical, locale)
        request = Submission(
            principal=principal.name,
            # The hub's own copies of the names: a task is kept for long.
            plugin=spec.plugin,
            command=spec.name,
            params=parsed.canonical,
            queue=spec.queue,
            flight=flight,
            ttl=spec.ttl,
            join=spec.join,
            public=spec.public,
            locale=locale,
            key=wish.key,
            deadline_ms=wish.deadline_ms,
            priority=wish.priority,
            cache=wish.cache,
            trace=wish.trace,
            concurrency=spec.concurrency,
            room=room,
        )
        prepared = Prepared(spec, parsed.params, self._registry.revision)
        self._engine.submit(request, partial(self._answer, answer), prepared)

    def _admit(self, principal: Principal, wish: Execute) -> tuple[CommandSpec, Parsed]:
        """Check a request.

        Raises:
            HubError: It is refused.
        """
        if self.draining:
            raise DrainingError(retry_after_ms=1000)
        check(principal, "execute")
        spec = self._registry.lookup(wish.plugin, wish.command)
        return spec, spec.parse(bytes(wish.params) or b"{}")

    def _flight(
        self, spec: CommandSpec, principal: str, canonical: bytes, locale: str
    ) -> bytes:
        """Return the hash under which equal requests find each other."""
        known = self._known
        request = (spec, principal, canonical, locale)
        flight = known.get(request)
        if flight is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            # Long params are not worth their memory.
            flight = _flight_of(*request, self._registry.edition(spec.plugin))
            if len(canonical) <= _MOST_CANONICAL:
                known[request] = flight
        return flight

    def _answer(self, answer: Answer, outcome: Opened | HubError) -> None:
        """Count what became of a request, and pass it on."""
        metrics = self._metrics
        if isinstance(outcome, HubError):
            metrics.refuse(outcome.code)
        elif outcome.origin != Origin.EXISTING:
            metrics.accepted += 1
            if outcome.origin == Origin.JOINED:
                metrics.joined += 1
            elif outcome.origin == Origin.CACHED:
                metrics.cached += 1
        answer(outcome)

    def find(
        self,
        principal: Principal,
        task_id: str,
        found: Callable[[Task | HubError], None],
        *,
        scope: str = "read",
    ) -> None:
        """Look up a task that somebody wants to read or cancel.

        Args:
            principal: Who wants to.
            task_id: Which one.
            found: Takes the task, or why they may not: NotFoundError, ForbiddenError;
                UnavailableError where nobody can say.
            scope: read or cancel.
        """

        def judge(task: Task | HubError | None) -> None:
            if task is None:
                found(NotFoundError())
            elif isinstance(task, HubError):
                found(task)
            else:
                found(refusal(principal, task.principal, scope) or task)

        self._engine.find(task_id, judge)

    def cancel(self, principal: Principal, task_id: str, done: Done) -> None:
        """Drop a task's interest in its run.

        Args:
            principal: Who wants to.
            task_id: Which one.
            done: Called when the wish is durable, or with why it is refused.
        """

        def leave(task: Task | HubError) -> None:
            if isinstance(task, HubError):
                done(task)
            else:
                self._engine.leave(task, "cancelled", done)

        self.find(principal, task_id, leave, scope="cancel")

    def cached(
        self, principal: Principal, plugin: str | None, command: str | None
    ) -> list[CacheRow]:
        """List what is in the cache.

        Raises:
            ForbiddenError: The scope monitor is needed.
        """
        check(principal, "monitor")
        return [self._cache_row(run) for run in self._engine.cached(plugin, command)]

    def _cache_row(self, run: Run) -> CacheRow:
        """Describe an entry of the cache."""
        request = run.request
        result = run.outcome.result if run.outcome is not None else b""
        try:
            spec = self._registry.lookup(request.plugin, request.command)
            key = spec.readable_key(request.params)
        except HubError:
            key = f"{request.plugin}.{request.command}:{request.params.decode()}"
        return CacheRow(
            key=key,
            plugin=request.plugin,
            command=request.command,
            bytes=run.log.total + len(result),
            cached_at=rfc3339(run.cached_at),
            expires_at=rfc3339(run.expires_at),
        )

    def clear_cache(
        self, principal: Principal, plugin: str | None, command: str | None
    ) -> int:
        """Drop the cache, or a part of it; return how many entries went.

        Raises:
            ForbiddenError: The scope admin is needed.
        """
        check(principal, "admin")
        return self._engine.clear_cache(plugin, command)

    def cache_statistics(self) -> CacheStatistics:
        """Return the counters of the cache."""
        return self._engine.cache_statistics()


def _flight_of(
    spec: CommandSpec, principal: str, canonical: bytes, locale: str, edition: int
) -> bytes:
    """Make the hash under which equal requests find each other.

    The edition of a reloaded plugin is part of it: new code neither joins nor repeats
    what old code of the same version does.
    """
    parts = (
        b"" if spec.public else principal.encode(),
        spec.plugin.encode(),
        spec.version.encode(),
        spec.name.encode(),
        canonical,
        locale.encode() if spec.localized else b"",
        b"%d" % edition,
    )
    return hashlib.blake2b(SEPARATOR.join(parts), digest_size=16).digest()
