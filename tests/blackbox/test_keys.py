"""Idempotency keys: a resend is the same task, whatever happened to the first one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK


def test_same_key_and_request_is_the_same_task(
    hub: HubProcess, client: Client, name: str
) -> None:
    """A resend while it runs is `existing`: same id, log from the start."""
    first = client.start("gate", "walk", {"name": name, "n": 1}, key=name)
    client.chunks(first, 1)
    with hub.client() as other:
        second = other.start("gate", "walk", {"name": name, "n": 1}, key=name)
        assert second.origin == "existing"
        assert second.task_id == first.task_id
        assert second.opened["response"]["metadata"]["origin"] == "new"
        other.run("gate", "step", {"name": name})
        assert other.finish(second).output == ["began", 0]
        assert other.run("gate", "tally", {"name": name}).value["began"] == 1
    assert client.finish(first).response == second.response


def test_same_key_after_the_end_replays_it(
    hub: HubProcess, client: Client, name: str
) -> None:
    """A key lives as long as its task: the resend gets the whole answer."""
    first = client.run("cachy", "uncached", {"name": name}, key=name)
    with hub.client() as other:
        second = other.run("cachy", "uncached", {"name": name}, key=name)
        assert (second.origin, second.task_id) == ("existing", first.task_id)
        assert second.value == first.value == 1


def test_same_key_on_one_connection_reads_again(client: Client, name: str) -> None:
    """`execute` watches from 0, so a resend here moves the cursor there."""
    first = client.run("stream", "count", {"n": 3}, key=name)
    again = client.ask(
        "execute", plugin="stream", command="count", params={"n": 3}, key=name
    )
    assert (again["origin"], again["from"]) == ("existing", 0)
    assert client.finish(first).output == [0, 1, 2]


def test_same_key_for_another_request_is_a_conflict(client: Client, name: str) -> None:
    """Another command, plugin or other params under a known key: `key_conflict`."""
    client.run("basic", "add", {"a": 1}, key=name)
    for plugin, command, params in (
        ("basic", "add", {"a": 2}),
        ("basic", "add_in_thread", {"a": 1}),
        ("basic", "noop", {}),
        ("stream", "count", {"n": 1}),
    ):
        error = client.refused(
            "execute", plugin=plugin, command=command, params=params, key=name
        )
        assert (error["code"], error["ran"]) == ("key_conflict", "no")


def test_spelling_of_the_params_makes_no_other_request(
    client: Client, name: str
) -> None:
    """Params are compared after conversion, with defaults, in sorted order."""
    first = client.run("basic", "add", {"a": 1, "b": 0}, key=name)
    for params in ({"b": 0, "a": 1}, {"a": 1}):
        answer = client.ask(
            "execute", plugin="basic", command="add", params=params, key=name
        )
        assert (answer["origin"], answer["task_id"]) == ("existing", first.task_id)


def test_a_refused_execute_leaves_no_key(client: Client, name: str) -> None:
    """What never began can be sent again, mended, under the same key."""
    for command, params in (("add", {}), ("add", {"a": "one"}), ("nothing", {})):
        client.refused(
            "execute", plugin="basic", command=command, params=params, key=name
        )
    assert client.run("basic", "add", {"a": 1}, key=name).origin == "new"


def test_without_a_key_every_execute_is_its_own(client: Client, name: str) -> None:
    """The same words twice are two tasks, unless a key says otherwise."""
    values = [client.run("cachy", "uncached", {"name": name}).value for _ in range(3)]
    assert values == [1, 2, 3]


def test_a_failed_task_is_existing_too(client: Client, name: str) -> None:
    """A key is no retry: the failure is the answer, as often as one asks."""
    first = client.run("basic", "boom", key=name)
    answer = client.ask("execute", plugin="basic", command="boom", key=name)
    assert (answer["origin"], answer["task_id"]) == ("existing", first.task_id)
    assert client.finish(first).failure["code"] == "plugin_error"


@pytest.mark.parametrize("round_", range(3))
def test_fifty_racing_copies_are_one_task(
    hub: HubProcess, client: Client, name: str, round_: int
) -> None:
    """Ten connections, five copies each, at once: one runs, fifty are told of it."""
    racers = [hub.client(MSGPACK if i % 2 else JSON) for i in range(10)]
    execute = {
        "type": "execute",
        "plugin": "cachy",
        "command": "uncached",
        "params": {"name": name},
        "key": name,
    }

    def send(racer: Client) -> None:
        racer.send(*({**execute, "id": f"r{i}"} for i in range(5)))

    try:
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(send, racers))
        answers = [racer.answer(f"r{i}") for racer in racers for i in range(5)]
        assert len({answer["task_id"] for answer in answers}) == 1
        origins = [answer["origin"] for answer in answers]
        assert sorted(origins) == ["existing"] * 49 + ["new"]
        for racer in racers:
            (reader,) = racer.readers.values()
            assert racer.finish(reader).value == 1
        assert client.run("cachy", "uncached", {"name": name}).value == 2
    finally:
        for racer in racers:
            racer.ws.close()
