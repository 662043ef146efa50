"""Joined tasks: the same request while it runs shares the run, not the ticket."""

from tests.blackbox.client import Client
from tests.blackbox.reader import Reader
from tests.blackbox.server import HubProcess


def _tally(client: Client, name: str) -> dict[str, int]:
    tally: dict[str, int] = client.run("gate", "tally", {"name": name}).value
    return tally


def _stopped(client: Client, name: str) -> None:
    """Wait until a run of this name has seen its cancel."""
    assert any(_tally(client, name)["stopped"] for _ in range(500)), "it goes on"


def _shared(client: Client, name: str, n: int = 1, **more: object) -> Reader:
    return client.start("gate", "shared", {"name": name, "n": n}, **more)


def test_the_same_request_joins_the_running_one(
    hub: HubProcess, client: Client, name: str
) -> None:
    """Two tickets, two ids, one run: both read the whole log and the same result."""
    first = _shared(client, name)
    client.chunks(first, 1)
    with hub.client() as other:
        second = _shared(other, name)
        assert second.origin == "joined"
        assert second.task_id != first.task_id
        client.run("gate", "step", {"name": name})
        client.finish(first)
        other.finish(second)
        assert first.output == second.output == ["began", 0]
        assert [c["seq"] for c in second.chunks] == [1, 2]
        assert first.value == second.value == 1
        assert second.response["metadata"]["origin"] == "joined"
    assert _tally(client, name)["began"] == 1


def test_several_tickets_on_one_connection_keep_apart(
    client: Client, name: str
) -> None:
    """One connection may hold many tickets of one run."""
    readers = [_shared(client, name) for _ in range(10)]
    assert [r.origin for r in readers] == ["new"] + ["joined"] * 9
    assert len({r.task_id for r in readers}) == 10
    client.run("gate", "step", {"name": name})
    for reader in readers:
        assert client.finish(reader).output == ["began", 0]


def test_cancel_of_one_ticket_leaves_the_run_to_the_other(
    client: Client, name: str
) -> None:
    """Interest is counted: who leaves ends `cancelled`, the other gets the answer."""
    first, second = _shared(client, name, 2), _shared(client, name, 2)
    client.chunks(first, 1)
    client.chunks(second, 1)
    assert client.ask("cancel", task_id=first.task_id)["type"] == "ok"
    client.finish(first)
    assert first.response["status"] == "cancelled"
    assert first.failure["ran"] == "yes"
    # In one step, at the run's head.
    assert first.result is not None
    assert first.result["seq"] == 2
    client.run("gate", "step", {"name": name, "n": 2})
    assert client.finish(second).output == ["began", 0, 1]
    assert second.value == 1


def test_a_ticket_that_left_never_sees_more(
    hub: HubProcess, client: Client, name: str
) -> None:
    """No read of an ended ticket yields an entry above its result."""
    first, second = _shared(client, name), _shared(client, name)
    client.chunks(first, 1)
    client.ask("cancel", task_id=first.task_id)
    client.finish(first)
    client.run("gate", "step", {"name": name})
    client.finish(second)
    with hub.client() as other:
        seen = other.finish(other.watch(first.task_id))
        assert seen.output == ["began"]
        assert seen.opened["head"] == 2
        assert seen.response == first.response
        # From the run's head it reads as from above its own.
        above = other.watch(second.task_id, 3)
        other.fence()
        assert above.trail[-1]["type"] == "opened"


def test_the_second_ticket_outlives_the_first_ones_connection(
    hub: HubProcess, client: Client, name: str
) -> None:
    """A closed socket is no cancel, and the owner's leaving harms no one."""
    with hub.client() as other:
        _shared(other, name)
    second = _shared(client, name)
    assert second.origin == "joined"
    client.run("gate", "step", {"name": name})
    assert client.finish(second).value == 1


def test_the_last_ticket_stops_the_run(client: Client, name: str) -> None:
    """When nobody is interested any more, the work stops."""
    first, second = _shared(client, name), _shared(client, name)
    client.chunks(first, 1)
    for reader in (first, second):
        client.ask("cancel", task_id=reader.task_id)
        assert client.finish(reader).response["status"] == "cancelled"
    _stopped(client, name)
    assert _tally(client, name)["ended"] == 0


def test_a_closing_run_is_neither_joined_nor_cached(client: Client, name: str) -> None:
    """After the last cancel the same request is new work."""
    first = _shared(client, name)
    client.chunks(first, 1)
    client.ask("cancel", task_id=first.task_id)
    second = _shared(client, name)
    assert second.origin == "new"
    client.finish(first)
    client.run("gate", "step", {"name": name})
    assert client.finish(second).value == 2


def test_off_does_not_join(client: Client, name: str) -> None:
    """`cache: off` means a run of one's own."""
    first, second = _shared(client, name), _shared(client, name, cache="off")
    assert second.origin == "new"
    client.run("gate", "step", {"name": name, "n": 2})
    client.finish(first)
    client.finish(second)
    assert _tally(client, name)["began"] == 2


def test_refresh_may_join(client: Client, name: str) -> None:
    """What runs now is fresh enough."""
    first, second = _shared(client, name), _shared(client, name, cache="refresh")
    assert second.origin == "joined"
    client.run("gate", "step", {"name": name})
    assert client.finish(first).value == client.finish(second).value


def test_a_command_may_refuse_to_be_joined(client: Client, name: str) -> None:
    """`join=False` on a cached command: two runs."""
    readers = [client.start("gate", "alone", {"name": name}) for _ in range(2)]
    assert [reader.origin for reader in readers] == ["new", "new"]
    client.run("gate", "step", {"name": name, "n": 2})
    for reader in readers:
        client.finish(reader)
    assert client.run("gate", "alone", {"name": name}).origin == "cached"


def test_commands_without_ttl_do_not_join(client: Client, name: str) -> None:
    """`join` is off where `ttl` is."""
    readers = [client.start("gate", "hold", {"name": name}) for _ in range(2)]
    assert [reader.origin for reader in readers] == ["new", "new"]
    client.run("gate", "step", {"name": name, "n": 2})
    for reader in readers:
        client.finish(reader)


def test_a_deadline_ends_one_ticket_only(client: Client, name: str) -> None:
    """`deadline_ms` belongs to the ticket; the run goes on for the other."""
    first = _shared(client, name)
    second = _shared(client, name, deadline_ms=200)
    assert second.origin == "joined"
    client.finish(second)
    assert second.response["status"] == "failed"
    assert second.failure["code"] == "deadline_exceeded"
    client.run("gate", "step", {"name": name})
    assert client.finish(first).value == 1


def test_keys_and_joining_go_together(client: Client, name: str) -> None:
    """Each ticket has its own key: a resend finds its own task."""
    first = _shared(client, name, key=f"{name}-1")
    second = _shared(client, name, key=f"{name}-2")
    assert (first.origin, second.origin) == ("new", "joined")
    again = client.ask(
        "execute",
        plugin="gate",
        command="shared",
        params={"name": name, "n": 1},
        key=f"{name}-2",
    )
    assert (again["origin"], again["task_id"]) == ("existing", second.task_id)
    client.run("gate", "step", {"name": name})
    client.finish(first)
    client.finish(second)
