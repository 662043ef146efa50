"""The orchestrator: rights, params, what counts as the same request, and counts."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.auth import LOCAL, SCOPES, Principal
from hub.errors import HubError, InvalidParamsError
from hub.metrics import Metrics
from hub.orchestrator import Orchestrator
from hub.registry import Registry, Sources
from hub.runs import Opened, Run
from tests.shop import BOB, Counter, loaded


@pytest.fixture
def anyio_backend() -> str:
    """Plugins run on asyncio."""
    return "asyncio"


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A shop with its counter."""
    registry = await loaded(tmp_path / "one")
    yield Counter(registry)
    await registry.close()


# Params.


async def test_a_request_is_taken_as_it_was_meant(counter: Counter) -> None:
    """Everything the engine has to know is in the submission."""
    task = counter.task(
        params='{"item":"tea"}',
        key="k",
        deadline_ms=5000,
        priority="high",
        cache="refresh",
        trace="t",
        locale="zh-CN",
    )

    request = task.run.request
    assert (request.principal, request.plugin, request.command) == (
        "local",
        "shop",
        "price",
    )
    assert (request.queue, request.ttl, request.locale) == (
        "default.async",
        60.0,
        "zh-CN",
    )
    assert (task.key, task.deadline_ms, task.priority) == ("k", 5000, "high")
    assert (task.cache, task.trace) == ("refresh", "t")
    assert counter.task("sell", "{}").run.request.queue == "default.thread"


@pytest.mark.parametrize(
    "params",
    [
        '{"item":"tea"}',
        '{"item":"tea","count":1}',
        '{ "count" : 1, "item" : "tea" }',
        '{"item":"\\u0074ea","count":1}',
    ],
)
async def test_params_are_canonical(counter: Counter, params: str) -> None:
    """Order, spaces, escapes and defaults make no other request."""
    first = counter.task(params='{"count":1,"item":"tea"}', key="k")

    assert first.run.request.params == b'{"count":1,"item":"tea"}'
    assert counter.task(params=params, key="k") is first


async def test_other_params_are_another_request(counter: Counter) -> None:
    """With the same key they conflict, without one they are run."""
    first = counter.task(key="k")

    assert counter.refusal(params='{"item":"milk"}', key="k").code == "key_conflict"
    assert counter.task(params='{"item":"milk"}').run is not first.run


async def test_no_params_are_empty_params(counter: Counter) -> None:
    """A command without params needs no field."""
    assert counter.task("stock", "").run.request.params == b"{}"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ("{}", "item"),
        ('{"item":1}', "item"),
        ('{"item":"tea","count":"many"}', "count"),
        ('{"item":"tea","size":1}', "size"),
    ],
)
async def test_wrong_params_are_named(
    counter: Counter, params: str, field: str
) -> None:
    """Missing, mistyped and unknown: refused with the field's name, never run."""
    error = counter.refusal(params=params, key="k")

    assert isinstance(error, InvalidParamsError)
    assert error.detail is not None
    assert error.detail["field"] == field
    assert counter.task(key="k").run.number == 1


@pytest.mark.parametrize(
    ("plugin", "command"), [("none", "price"), ("shop", "none"), ("shop", "later")]
)
async def test_what_is_not_served_is_unknown(
    counter: Counter, plugin: str, command: str
) -> None:
    """No such plugin, no such command, or one that waits for a later version."""
    assert counter.refusal(command, "{}", plugin=plugin).code == "unknown_command"


# What is the same request.


@pytest.mark.parametrize(
    ("command", "shared"), [("price", False), ("open_price", True)]
)
async def test_results_are_a_principals_own(
    counter: Counter, command: str, shared: bool
) -> None:
    """Only a command that says `public` shares its results between principals."""
    mine = counter.task(command)
    counter.finish(mine)

    theirs = counter.task(command, by=BOB)

    assert (theirs.run is mine.run) == shared
    assert theirs.principal == "token:bob"
    assert theirs.origin == ("cached" if shared else "new")


@pytest.mark.parametrize(("command", "shared"), [("label", False), ("price", True)])
async def test_languages_count_where_they_matter(
    counter: Counter, command: str, shared: bool
) -> None:
    """A localised command has a result for each language, another one has one."""
    english = counter.task(command, locale="en")
    counter.finish(english)

    chinese = counter.task(command, locale="zh-CN")

    assert (chinese.run is english.run) == shared
    assert counter.task(command, locale="en").origin == "cached"


async def test_flights_differ_by_all_that_matters(
    counter: Counter, tmp_path: Path
) -> None:
    """Principal, version, command, params, language: each makes another flight."""
    other = await loaded(tmp_path / "two", version="2.0")
    newer = Counter(other)
    flights = [
        task.run.request.flight
        for task in (
            counter.task("price"),
            counter.task("price", by=BOB),
            counter.task("price", '{"item":"milk"}'),
            counter.task("open_price"),
            counter.task("label", "{}", locale="en"),
            counter.task("label", "{}", locale="zh-CN"),
            counter.task("stock", "{}"),
            newer.task("price"),
        )
    ]
    await other.close()

    assert len(set(flights)) == len(flights)
    assert all(flight is not None and len(flight) == 16 for flight in flights)
    again = counter.task("open_price", by=BOB).run.request.flight
    assert again == flights[3]


async def test_what_is_never_shared_has_no_flight(counter: Counter) -> None:
    """Neither cached nor joined: each call is a run."""
    first, second = counter.task("sell", "{}"), counter.task("sell", "{}")

    assert first.run.request.flight is None
    assert first.run is not second.run


async def test_running_work_is_shared_where_the_command_allows(
    counter: Counter,
) -> None:
    """`join` shares what runs, with nobody but the same principal."""
    first = counter.task("stock", "{}")

    assert counter.task("stock", "{}").run is first.run
    assert counter.task("stock", "{}", by=BOB).run is not first.run
    counter.finish(first)
    assert counter.task("stock", "{}").origin == "new"


# Rights.


async def test_executing_needs_its_scope(counter: Counter) -> None:
    """Who may only look may not begin anything."""
    reader = Principal(name="token:r", scopes=frozenset({"read", "monitor", "cancel"}))

    error = counter.refusal(by=reader)

    assert (error.code, error.detail) == ("forbidden", {"scope": "execute"})
    assert counter.task(by=BOB).principal == "token:bob"


async def test_a_draining_hub_takes_nothing_new(counter: Counter) -> None:
    """Refused with when to come again; what there is can be read and cancelled."""
    task = counter.task()
    counter.orchestrator.draining = True

    error = counter.refusal()

    assert (error.code, error.retry, error.retry_after_ms) == ("draining", True, 1000)
    assert counter.find(task.id, LOCAL) is task
    assert counter.cancel(task.id) == "ok"


def verdict(scopes: set[str], *, own: bool, scope: str) -> str:
    """Say what section 8 of the protocol says."""
    if "admin" in scopes:
        return "ok"
    if own:
        seen = "forbidden" if scopes & {"read", "monitor"} else "not_found"
        return "ok" if scopes & {scope, "execute"} else seen
    if "monitor" not in scopes:
        return "not_found"
    return "ok" if scope in scopes else "forbidden"


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("scope", ["read", "cancel"])
async def test_every_mix_of_scopes(counter: Counter, own: bool, scope: str) -> None:
    """Own tasks and others', to read and to cancel, with every set of scopes."""
    mixes = itertools.chain.from_iterable(
        itertools.combinations(SCOPES, size) for size in range(len(SCOPES) + 1)
    )
    for scopes in map(set, mixes):
        task = counter.task(by=BOB)
        caller = Principal(
            name="token:bob" if own else "token:eve", scopes=frozenset(scopes)
        )
        found = counter.find(task.id, caller, scope)
        actual = "ok" if found is task else getattr(found, "code", None)

        assert actual == verdict(scopes, own=own, scope=scope), scopes
        if scope == "cancel":
            assert counter.cancel(task.id, caller) == actual
            assert (task.end > 0) == (actual == "ok")


async def test_a_strangers_task_is_like_no_task(counter: Counter) -> None:
    """Unknown, expired or not yours: one answer."""
    task = counter.task()

    unknown = counter.find("0" * 43, BOB)
    foreign = counter.find(task.id, BOB)

    assert isinstance(unknown, HubError)
    assert isinstance(foreign, HubError)
    assert (type(unknown), unknown.message, unknown.detail) == (
        type(foreign),
        foreign.message,
        foreign.detail,
    )
    assert counter.cancel(task.id, BOB) == counter.cancel("0" * 43, BOB) == "not_found"
    assert not task.end


# The cache, for people.


async def test_the_cache_is_listed_in_words(counter: Counter) -> None:
    """Readable keys with their unit, sizes and times."""
    counter.finish(counter.task("price"))
    counter.finish(counter.task("open_price", '{"item":"tea","unit":"kg"}'))

    rows = counter.orchestrator.cached(LOCAL, None, None)

    assert [row.key for row in rows] == [
        'shop.price:{"count":1,"item":"tea"}',
        'shop.open_price:{"item":"tea","unit":"kg"}:kg',
    ]
    assert [row.command for row in rows] == ["price", "open_price"]
    assert {row.plugin for row in rows} == {"shop"}
    assert [row.bytes for row in rows] == [4, 4]
    assert rows[0].cached_at == "2027-01-15T08:00:00.000Z"
    assert rows[0].expires_at == "2027-01-15T08:01:00.000Z"
    assert counter.orchestrator.cached(LOCAL, "shop", "price") == rows[:1]


async def test_what_a_gone_plugin_left_is_listed_too(counter: Counter) -> None:
    """A result whose command is no longer there has a plain key."""
    counter.finish(counter.task("price"))
    empty = Registry(Sources(folders=(), entry_points=lambda: (), bundled=None))
    orchestrator = Orchestrator(counter.engine, empty, Metrics())

    (row,) = orchestrator.cached(LOCAL, None, None)

    assert row.key == 'shop.price:{"count":1,"item":"tea"}'


async def test_the_cache_is_looked_at_and_cleared_by_right(counter: Counter) -> None:
    """To list it takes monitor, to clear it admin."""
    counter.finish(counter.task("price"))
    monitor = Principal(name="token:m", scopes=frozenset({"monitor", "read"}))

    assert len(counter.orchestrator.cached(monitor, None, None)) == 1
    with pytest.raises(HubError) as no_list:
        counter.orchestrator.cached(BOB, None, None)
    with pytest.raises(HubError) as no_clear:
        counter.orchestrator.clear_cache(monitor, None, None)

    assert (no_list.value.code, no_clear.value.code) == ("forbidden", "forbidden")
    assert counter.orchestrator.cache_statistics().entries == 1
    assert counter.orchestrator.clear_cache(LOCAL, "shop", None) == 1
    assert counter.orchestrator.cache_statistics().entries == 0


# Counts.


async def test_what_becomes_of_requests_is_counted(counter: Counter) -> None:
    """Each accepted task once, and how it came to its run; a resend is none."""
    first = counter.task("price", key="k")
    counter.task("price", key="k")
    counter.finish(first)
    counter.task("price")
    counter.task("stock", "{}")
    counter.task("stock", "{}")

    metrics = counter.metrics
    assert (metrics.accepted, metrics.joined, metrics.cached) == (4, 1, 1)
    assert metrics.refused == {}


async def test_refusals_are_counted_by_their_code(counter: Counter) -> None:
    """Whoever refused: rights, registry, params or engine."""
    counter.task(key="k")
    counter.refusal("price", "{}")
    counter.refusal("price", "{}")
    counter.refusal("none", "{}")
    counter.refusal("open_price", key="k")
    counter.refusal(by=Principal(name="token:x", scopes=frozenset()))
    counter.orchestrator.draining = True
    counter.refusal()

    assert counter.metrics.refused == {
        "invalid_params": 2,
        "unknown_command": 1,
        "key_conflict": 1,
        "forbidden": 1,
        "draining": 1,
    }


async def test_room_is_passed_on(counter: Counter) -> None:
    """Who takes an answer in one message gets it before it is durable."""
    counter.finish(counter.task("price"))

    small, large = counter.ask("price"), counter.ask("price", trace="room")

    assert isinstance(small, Opened)
    assert isinstance(large, Opened)
    assert (small.together, large.together) == (False, True)


async def test_the_worker_gets_what_was_parsed(counter: Counter) -> None:
    """Params are parsed once: the run has them ready for this process."""
    run: Run = counter.task(params='{"item":"tea","count":3}').run

    prepared = run.prepared
    assert getattr(prepared, "spec", None) is not None
    assert getattr(prepared, "params", None) is not None
