"""The change of the collective key: nobody loses sight of anything meanwhile."""

import base64
import hashlib
import hmac
import json
import threading
import time

from harness.wait import wait_until
from harness.wire import Closed

PASSWORD = "secret.hardwaremanagementpassword"
COMMUNITY = "secret.snmpcommunity"


def key_file(agent):
    """The lines of a member's bundle with collective keys: (current, [held])."""
    with open(agent.path("cfg", "collective"), encoding="ascii") as f:
        lines = f.read().splitlines()
    current = [line.split()[1] for line in lines if line.startswith("key ")]
    held = [line.split()[1] for line in lines if line.startswith("held-key ")]
    assert len(current) == 1, lines
    return current[0], held


def ask(agent, **message):
    with agent.session(timeout=30) as session:
        return session.collective(operation="rekey", **message)


def how(agent):
    return ask(agent, query=True)


def rekey(agent):
    answer = ask(agent)
    assert "error" not in answer, answer
    return answer["key"]


def over(agents, key):
    """Everybody has that one key and no other, in memory and on disk."""
    def is_over():
        for agent in agents:
            facts = how(agent)
            if (facts["key"], facts["stage"]) != (key, "idle") or key_file(agent)[1]:
                raise AssertionError(f"{agent.title}: {facts}, {key_file(agent)[1]}")
        return len({key_file(agent)[0] for agent in agents}) == 1
    wait_until(is_over, 20, f"{[agent.title for agent in agents]} to have the key {key} alone")


def define(agent, name, **attributes):
    with agent.session(timeout=30) as session:
        frames = session.ask("create", "/noderange/", {"name": name, **attributes})
    assert not any("errorcode" in frame for frame in frames), frames


def update(agent, nodes, **attributes):
    with agent.session(timeout=30) as session:
        frames = session.ask("update", f"/noderange/{nodes}/attributes/all", attributes)
    return next((frame.get("error") for frame in frames if "errorcode" in frame), None)


def secret(agent, node, name=PASSWORD):
    with agent.session(timeout=10) as session:
        return session.collective(operation="secret", node=node, attribute=name)


def records(world):
    return {kv.key.rsplit("/", 1)[1]: json.loads(kv.value)
            for kv in world.etcd.list(world.key("members/"))}


def sealed_under(world):
    """The ids of the keys that something in etcd is sealed with."""
    found = set()
    for folder in ("nodes/", "groups/"):
        for kv in world.etcd.list(world.key(folder)):
            if kv.value.startswith("sealed:1:"):
                found.add(kv.value.split(":")[2])
    return found


def test_the_key_is_changed_for_everybody_and_everything(world):
    agents = world.collective(3)
    was = {key_file(agent)[0] for agent in agents}
    assert len(was) == 1
    for number in range(60):
        define(agents[0], f"n{number}", **{PASSWORD: f"pass {number}"})
    with agents[0].session() as session:
        session.ask("create", "/nodegroups/", {"name": "rack1", COMMUNITY: "public"})
    assert update(agents[0], "n1-n3", groups="rack1") is None
    old = how(agents[0])["key"]
    assert sealed_under(world) == {old}
    answer = ask(agents[1])
    key = answer["key"]
    assert answer["status"] == f"The collective key is {key} now" and key != old
    assert sealed_under(world) == {key}
    over(agents, key)
    assert key_file(agents[0])[0] not in was
    assert {record["under"] for record in records(world).values()} == {key}
    world.settled(agents)
    for agent in agents:
        for number in range(60):
            assert secret(agent, f"n{number}") == {"value": f"pass {number}"}
        assert secret(agent, "n2", COMMUNITY) == {"value": "public"}
        assert agent.machines()["rekey"]["state"] == "idle"
        assert key_file(agent)[0] not in agent.text
    everything = "\n".join(kv.value for kv in world.etcd.list("/confluent/"))
    assert key_file(agents[0])[0] not in everything and not any(k in everything for k in was)
    page = agents[2].collective("rekey", "--status")
    assert page.rc == 0 and key in page.out and "idle" in page.out, page


def test_a_restarted_member_and_a_new_one_have_the_new_key(world):
    first, second = world.collective(2)
    define(first, "n1", **{PASSWORD: "one"})
    key = rekey(first)
    over([first, second], key)
    second.restart()
    wait_until(second.is_active, 15, "the restarted member to be active")
    third = world.add(second, "mgt3")
    world.settled([first, second, third])
    for agent in (second, third):
        assert secret(agent, "n1") == {"value": "one"}
        assert key_file(agent) == key_file(first)
    over([first, second, third], rekey(third))


def test_who_was_away_for_two_changes_comes_back(world):
    first, second, third = world.collective(3)
    define(first, "n1", **{PASSWORD: "one"})
    wait_until(lambda: secret(third, "n1") == {"value": "one"}, 5, "the value to be there")
    third.kill()
    wait_until(lambda: first.raw_show()["offline"] == ["mgt3"], 12, "mgt3 to be offline")
    for text in ("two", "three"):
        over([first, second], rekey(second))
        assert update(second, "n1", **{PASSWORD: text}) is None
    key = how(first)["key"]
    third.start()
    world.settled([first, second, third])
    assert secret(third, "n1") == {"value": "three"}
    over([first, second, third], key)

    def swept():
        left = [kv.key for kv in world.etcd.list(world.key("rekey/wrapped/"))]
        return all(f"/{key}/" in name for name in left)
    wait_until(swept, 10, "former keys to be removed from etcd")


class Traffic:
    """Reads and writes secrets through members, in threads, until stopped; every read must work."""

    def __init__(self, agents):
        self.agents = agents
        self.stop = threading.Event()
        self.faults = []
        self.reads = self.writes = 0
        self.threads = [threading.Thread(target=self.run, args=(agent, number))
                        for number, agent in enumerate(agents)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self, agent, number):
        count = 0
        while not self.stop.is_set():
            try:
                count += 1
                text = f"{agent.title} {count}"
                fault = update(agent, f"w{number}", **{PASSWORD: text})
                self.writes += fault is None
                wanted = {f"w{number}": text} if fault is None else {}
                for node in ("n1", "w0", "w1", "w2"):
                    found = secret(agent, node)
                    self.reads += 1
                    if "value" not in found or wanted.get(node, found["value"]) != found["value"]:
                        self.faults.append((agent.title, node, found, wanted, fault))
            except (OSError, Closed) as error:
                time.sleep(0.2)
                if agent.running:
                    self.faults.append((agent.title, repr(error)))


def test_secrets_are_read_and_written_while_one_joins_and_one_is_killed(world):
    agents = world.collective(3)
    first, second, third = agents
    for name in ("n1", "w0", "w1", "w2"):
        define(first, name, **{PASSWORD: name})
    for agent in agents:
        wait_until(lambda a=agent: "value" in secret(a, "w2"), 5, "the secrets to be everywhere")
    token = first.invite("mgt4")
    fourth = world.agent("mgt4")
    with Traffic(agents) as traffic:
        begun = threading.Thread(target=ask, args=(second,))
        third.stop()  # it is active, and can't say that it has the key
        begun.start()
        wait_until(lambda: how(first)["waiting"] == ["mgt3"], 10, "mgt3 to be waited for")
        assert "under way" in ask(first)["error"], "a second one at the same time"
        assert fourth.join(first, token).rc == 0
        third.process.expected_exit = True
        third.kill()
        begun.join()
        key = how(first)["to"]
        over([first, second, fourth], key)
        reads = traffic.reads
        wait_until(lambda: traffic.reads > reads + 50, 10, "some more traffic")
    assert not traffic.faults, traffic.faults[:5]
    assert traffic.writes > 10
    third.start()
    world.settled([first, second, third, fourth])
    over([first, second, third, fourth], key)
    for agent in (first, second, third, fourth):
        assert secret(agent, "n1") == {"value": "n1"}
    assert sealed_under(world) == {key}


def test_the_next_leader_goes_on(world):
    agents = world.collective(3)
    leader = world.settled(agents)
    others = [agent for agent in agents if agent is not leader]
    define(leader, "n1", **{PASSWORD: "one"})
    others[0].stop()
    begun = threading.Thread(target=ask, args=(others[1],))
    begun.start()
    wait_until(lambda: how(others[1])["waiting"] == [others[0].title], 10, "it to wait")
    leader.kill()
    others[0].cont()
    begun.join()
    world.settled(others)
    key = how(others[1])["to"]
    over(others, key)
    assert sealed_under(world) == {key}
    leader.start()
    world.settled(agents)
    over(agents, key)


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def as_a_member(agent, path, fields):
    """A record as a member writes it, with the key in its bundle."""
    with open(agent.path("cfg", "collective"), encoding="ascii") as f:
        bundle = dict(line.split(" ", 1) for line in f.read().splitlines())
    label = b"collective 1 record authentication\x01"
    derived = hmac_sha256(hmac_sha256(bundle["id"].encode(), base64.b64decode(bundle["key"])), label)
    texts = ["collective 1 registry record", bundle["id"], path]
    for name in sorted(fields):
        texts += [name, fields[name]]
    covered = b"".join(len(t).to_bytes(8, "big") + t.encode() for t in texts)
    return json.dumps({**fields, "under": how(agent)["key"],
                       "mac": hmac_sha256(derived, covered).hex()})


def test_a_key_that_was_lost_on_the_way_is_replaced(world):
    """Who began a change is gone for good before anybody else has got the key."""
    first, second = world.collective(2)
    define(first, "n1", **{PASSWORD: "one"})
    state = {"key": "0123abcd", "from": how(first)["key"], "stage": "distribute", "by": "mgt9",
             "at": "1790000000"}
    world.etcd.put(world.key("rekey/state"), as_a_member(first, "rekey/state", state))
    wait_until(lambda: how(second)["waiting"] == ["mgt1", "mgt2"], 10, "the change to be seen")
    assert update(second, "n1", **{PASSWORD: "two"}) is None
    over([first, second], rekey(second))
    assert secret(first, "n1") == {"value": "two"}


def test_a_deleted_member_is_not_waited_for_and_gets_nothing(world):
    first, second, third = world.collective(3)
    third.kill()
    wait_until(lambda: first.raw_show()["offline"] == ["mgt3"], 12, "mgt3 to be offline")
    assert first.collective("delete", "mgt3").rc == 0
    key = rekey(first)
    over([first, second], key)
    assert not [kv for kv in world.etcd.list(world.key("rekey/")) if kv.key.endswith("mgt3")]
    third.start()
    wait_until(lambda: third.raw_show()["state"] == "removed", 10, "mgt3 to know that it is out")
    assert how(third)["key"] != key


def test_what_others_put_below_rekey_hurts_nobody(world):
    first, second = world.collective(2)
    define(first, "n1", **{PASSWORD: "one"})
    for name, value in (("rekey/state", "nonsense"), ("rekey/wrapped/0123abcd/mgt2", "{}"),
                        ("rekey/held/mgt1", '{"key":"0123abcd"}'), ("rekey/x", "y")):
        world.etcd.put(world.key(name), value)
    assert update(first, "n1", **{PASSWORD: "two"}) is None
    key = rekey(first)
    over([first, second], key)
    assert update(second, "n1", **{PASSWORD: "three"}) is None
    wait_until(lambda: secret(first, "n1") == {"value": "three"}, 5, "the value to be there")
    # a state of the past is none of today's
    old = [kv for kv in world.etcd.history(world.key("rekey/state"))
           if kv[1] == "PUT" and '"distribute"' in kv[2].value][-1][2].value
    world.etcd.put(world.key("rekey/state"), old)
    assert update(second, "n1", **{PASSWORD: "four"}) is None
    over([first, second], rekey(second))
    assert secret(second, "n1") == {"value": "four"}


def test_a_change_without_quorum_is_refused(world):
    first, _ = world.collective(2)
    first.network("blackhole")
    wait_until(lambda: not first.raw_show()["quorum"], 12, "quorum to be lost")
    assert ask(first)["error"] == "Collective does not have quorum"
