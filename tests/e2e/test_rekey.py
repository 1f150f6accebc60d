"""The change of the collective key: nobody loses sight of anything meanwhile."""

import base64
import hashlib
import json

from harness.wait import wait_until


def key_file(agent):
    """The lines of a member's bundle with collective keys: (current, [held])."""
    with open(agent.path("cfg", "collective"), encoding="ascii") as f:
        lines = f.read().splitlines()
    current = [line.split()[1] for line in lines if line.startswith("key ")]
    held = [line.split()[1] for line in lines if line.startswith("held-key ")]
    assert len(current) == 1, lines
    return current[0], held


def ask(agent, **message):
    with agent.session() as session:
        return session.collective(operation="rekey", **message)


def how(agent):
    return ask(agent, query=True)


def is_over(agents, key):
    """Everybody has that one key and no other, in memory and on disk."""
    for agent in agents:
        facts = how(agent)
        if (facts["key"], facts["stage"]) != (key, "idle") or key_file(agent)[1]:
            raise AssertionError(f"{agent.title}: {facts}, {key_file(agent)[1]}")
    return len({key_file(agent)[0] for agent in agents}) == 1


def records(world):
    return {name: json.loads(value) for name, value in
            ((kv.key, kv.value) for kv in world.etcd.prefix(world.key("members/")))}


def test_the_key_is_changed_for_everybody(world):
    agents = world.collective(3)
    was = {key_file(agent)[0] for agent in agents}
    assert len(was) == 1
    old = how(agents[0])["key"]
    answer = ask(agents[1])
    assert "error" not in answer, answer
    key = answer["key"]
    assert answer["status"] == f"The collective key is {key} now"
    assert key != old
    wait_until(lambda: is_over(agents, key), 15, "everybody to have the new key alone")
    assert key_file(agents[0])[0] not in was
