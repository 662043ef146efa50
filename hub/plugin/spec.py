"""What the hub knows about a command that it can run."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from hub.plugin.context import TaskContext


class Parsed(Struct, frozen=True):
    """Params of a request, validated.

    Attributes:
        params: What `CommandSpec.call` takes; made for this request alone.
        canonical: The same as JSON: converted, defaults filled in, sorted keys,
            compact. Parsing it again gives the same params and the same bytes.
    """

    params: Any  # a Struct made from the signature, or a dict for classic plugins
    canonical: bytes


class Prepared(Struct, frozen=True, gc=False):
    """A command and its params, ready for the worker of this process.

    Attributes:
        spec: The command.
        params: As parsed.
    """

    spec: "CommandSpec"
    params: Any  # as in Parsed


# eq=False: a spec is one thing, not a value; it hashes by identity.
class CommandSpec(Struct, frozen=True, kw_only=True, eq=False):
    """A command, ready to be run.

    Attributes:
        plugin: Name of the plugin.
        name: Name of the command.
        version: Version of the plugin.
        description: What the command does, for people.
        schema: JSON Schema of the params, normalised for forms.
        ttl: Seconds that a completed run may be served from the cache, or None.
        unit: The parameter that ends the readable cache key, or None.
        public: Whether results may be shared between principals.
        localized: Whether the locale is part of the cache and join keys.
        join: Whether identical running requests share one run.
        isolation: Where it runs: "async" on the loop, "thread" beside it, "process"
            apart.
        awaits: Whether `call` returns a coroutine or an async generator; otherwise it
            is a plain call and returns the value or a generator.
        timeout: Seconds that one attempt may take.
        idempotent: Whether it may be run again after a crash.
        streaming: Whether `call` returns a generator of chunks.
        concurrency: Runs at once per node, or None for any number.
        pool: Which workers run it.
        refused: Why the hub does not run it, or None.
        parse: Validate the JSON of a params object. Raises InvalidParamsError, whose
            `detail` holds `field` (a dotted path) and `reason`.
        call: Start one run with a context and parsed params.
    """

    plugin: str
    name: str
    version: str
    description: str
    schema: dict[str, Any]  # a JSON Schema
    ttl: float | None
    unit: str | None
    public: bool
    localized: bool
    join: bool
    isolation: Literal["async", "thread", "process"]
    awaits: bool
    timeout: float
    idempotent: bool
    streaming: bool
    concurrency: int | None = None
    pool: str = "default"
    refused: str | None
    parse: Callable[[bytes], Parsed]
    call: Callable[[TaskContext, Any], Any]  # params as parsed, result as returned

    @property
    def queue(self) -> str:
        """Where its runs wait: pool and isolation."""
        return f"{self.pool}.{self.isolation}"

    def readable_key(self, canonical: bytes) -> str:
        """Return the cache key for people: it is never used for look-up."""
        key = f"{self.plugin}.{self.name}:{canonical.decode()}"
        if self.unit is None:
            return key
        value = msgspec.json.decode(canonical).get(self.unit)
        if isinstance(value, str):
            return f"{key}:{value}"
        return f"{key}:{msgspec.json.encode(value).decode()}"
