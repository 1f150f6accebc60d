"""No acknowledged write is lost, nothing that was refused is done, nothing is done twice.

Clients write values that occur only once, through all members, while agents and etcd members are
killed, paused and cut off. Then etcd's own history, which is complete and in order, tells what really
happened, and each answer is held against it. HISTORY_SEED and HISTORY_SECONDS choose another run."""

import os
import random
import threading
import time

import pytest

from harness.wait import wait_until
from harness.wire import JSON, Closed, Session

SECONDS = float(os.environ.get("HISTORY_SECONDS", "20"))
SEEDS = [int(s) for s in os.environ.get("HISTORY_SEED", "1").split(",")]
NODES = ["h1", "h2", "h3"]
SHARED = ["info.note", "location.room"]
CLIENTS = 6
TOKENS = 8  # groups that each client puts in front of a list

ACKED, REFUSED, UNKNOWN, UNSENT = "acknowledged", "refused", "unknown", "unsent"


class Write:
    """One change and what was said of it. value: None for clearing; a group for a list."""

    def __init__(self, key, value):
        self.key, self.value = key, value
        self.began = self.ended = self.outcome = self.text = None

    def __repr__(self):
        return (f"<{self.key}={self.value}: {self.outcome} {self.began:.3f}..{self.ended:.3f} "
                f"{self.text or ''}>")


def request(member, operation, path, parameters=None):
    """(frames or None, whether it was sent, whether the answer may be old)."""
    sent = False
    frames = []
    try:
        with Session(member.socket, timeout=45) as session:
            body = {"operation": operation, "path": path}
            if parameters is not None:
                body["parameters"] = parameters
            sent = True
            session.send(body, JSON)
            while True:
                frame = session.receive()
                if "_requestdone" in frame:
                    return frames, True, "stale" in frame
                frames.append(frame)
    except (OSError, Closed):
        return None, sent, False


def carry_out(member, write, node, parameters):
    write.began = time.monotonic()
    frames, sent, _ = request(member, "update", f"/nodes/{node}/attributes/all", parameters)
    write.ended = time.monotonic()
    why = next((f["error"] for f in frames or () if "errorcode" in f), None)
    write.text = why
    if frames is None:
        write.outcome = UNKNOWN if sent else UNSENT
    elif why is None:
        write.outcome = ACKED
    elif "not known" in why or "not seen it yet" in why:
        write.outcome = UNKNOWN
    else:
        write.outcome = REFUSED


class Client(threading.Thread):
    def __init__(self, number, member, seed, stop):
        super().__init__(daemon=True)
        self.number, self.member, self.stop_it = number, member, stop
        self.random = random.Random(seed * 1000 + number)
        self.count = 0
        self.tokens = [f"hg{number}x{i}" for i in range(TOKENS)]
        self.writes = []
        self.wrong = []

    def run(self):
        while not self.stop_it.is_set():
            self.one()
            time.sleep(self.random.uniform(0, 0.02))

    def value(self):
        self.count += 1
        return f"c{self.number}-{self.count}"

    def note(self, write, node, parameters):
        self.writes.append(write)
        carry_out(self.member, write, node, parameters)
        if write.outcome == UNSENT:
            time.sleep(0.1)
        return write.outcome == ACKED

    def one(self):
        chance = self.random.random()
        node = self.random.choice(NODES)
        if chance < 0.25:
            self.own(node)
        elif chance < 0.32 and self.tokens:
            token = self.tokens.pop()
            self.note(Write(f"{node}/groups", token), node, {"groups": {"prepend": token}})
        else:
            name = self.random.choice(SHARED)
            value = None if chance > 0.88 else self.value()
            self.note(Write(f"{node}/{name}", value), node, {name: value})

    def own(self, node):
        """What nobody else writes is read back at once."""
        name = f"custom.c{self.number}"
        value = self.value()
        if not self.note(Write(f"{node}/{name}", value), node, {name: value}):
            return
        frames, _, stale = request(self.member, "retrieve", f"/nodes/{node}/attributes/current")
        if frames and not stale and {name: {"value": value}} not in frames and \
                not any("errorcode" in f for f in frames):
            self.wrong.append(f"{self.member.title}: {node} {name}: wrote {value}, read {frames}")


class Nemesis:
    """Does one bad thing after the other, and makes it good again. (Not in a thread of its own: a
    process ends with the thread that started it.)"""

    def __init__(self, world, members, seed):
        self.world, self.members = world, members
        self.random = random.Random(seed)
        self.done = []

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.one()
            self.wait(0.1, 0.8)

    def one(self):
        what = self.random.choice(
            [self.kill_agent, self.pause_agent, self.cut_off, self.cut_off, self.resets,
             self.kill_etcd, self.pause_etcd, self.pause_etcd, self.half])
        self.done.append(what.__name__)
        what()

    def say(self, text):
        self.world.note(f"nemesis: {text}")

    def wait(self, low, high):
        time.sleep(self.random.uniform(low, high))

    def kill_agent(self):
        member = self.random.choice(self.members)
        self.say(f"kills {member.title}")
        member.process.expected_exit = True
        member.kill()
        self.wait(0.1, 1)
        member.start(wait=False)

    def pause_agent(self):
        member = self.random.choice(self.members)
        self.say(f"pauses {member.title}")
        member.stop()
        self.wait(0.3, 6.5)
        member.cont()

    def cut_off(self):
        member = self.random.choice(self.members)
        mode = self.random.choice(["blackhole", "no_replies", "refuse", "delay"])
        self.say(f"{mode} for {member.title}")
        member.network(mode, 0.3 if mode == "delay" else 0.0)
        self.wait(0.5, 4)
        member.network("pass")

    def resets(self):
        member = self.random.choice(self.members)
        self.say(f"resets connections of {member.title}")
        for _ in range(self.random.randrange(3, 12)):
            member.cut()
            self.wait(0.02, 0.15)

    def kill_etcd(self):
        etcd = self.random.choice(self.world.cluster.members)
        self.say(f"kills etcd {etcd.name}")
        etcd.kill()
        self.wait(0.2, 1.5)
        etcd.start()

    def pause_etcd(self):
        etcd = self.random.choice(self.world.cluster.members)
        self.say(f"pauses etcd {etcd.name}")
        etcd.stop()
        self.wait(0.3, 3.5)
        etcd.cont()

    def half(self):
        """Two of three: nobody has quorum."""
        two = self.random.sample(self.world.cluster.members, 2)
        self.say("pauses two etcd")
        for etcd in two:
            etcd.stop()
        self.wait(0.5, 3)
        for etcd in two:
            etcd.cont()


def define(member):
    with member.session() as session:
        for number in range(CLIENTS):
            for token in range(TOKENS):
                session.ask("create", "/nodegroups/", {"name": f"hg{number}x{token}"})
        frames = session.ask("create", "/noderange/", {"name": ",".join(NODES)})
        assert not [f for f in frames if "errorcode" in f], frames


def versions(world):
    """{"node/attribute": [(revision, value or None), …]}, all that ever was."""
    found = {}
    prefix = world.key("nodes/")
    for revision, kind, key in world.etcd.history(prefix):
        found.setdefault(key.key[len(prefix):], []).append(
            (revision, key.value if kind == "PUT" else None))
    return found


def judge_values(writes, history):
    """Each value was there once when it was acknowledged, never when it was refused."""
    wrong = []
    at = {}
    for key, changes in history.items():
        for revision, value in changes:
            at.setdefault((key, value), []).append(revision)
    for write in writes:
        if write.value is None or write.key.endswith("/groups"):
            continue
        times = len(at.get((write.key, write.value), []))
        if times > 1 or (times == 0 and write.outcome == ACKED) or \
                (times == 1 and write.outcome in (REFUSED, UNSENT)):
            wrong.append(f"{write} is {times} times in the history")
    return wrong, at


def judge_order(writes, at):
    """Who began when another one had been acknowledged comes after it."""
    wrong = []
    by_key = {}
    for write in writes:
        if write.value is not None and write.outcome == ACKED and (write.key, write.value) in at:
            by_key.setdefault(write.key, []).append((at[write.key, write.value][0], write))
    for found in by_key.values():
        found.sort(key=lambda pair: pair[0])
        latest = 0.0
        for _, write in found:
            if write.ended < latest:
                wrong.append(f"{write} was acknowledged before one that is older in etcd began")
            latest = max(latest, write.began)
    return wrong


def judge_clears(writes, history):
    """Nothing was cleared more often than somebody asked for it."""
    wrong = []
    for key, changes in history.items():
        gone = sum(1 for _, value in changes if value is None)
        asked = sum(1 for w in writes if w.key == key and w.value is None and
                    w.outcome in (ACKED, UNKNOWN))
        if gone > asked:
            wrong.append(f"{key} was cleared {gone} times, asked for {asked} times")
    return wrong


def judge_groups(writes, history):
    """Every list has what was put in front of it, once."""
    wrong = []
    for write in writes:
        if not write.key.endswith("/groups"):
            continue
        times = history[write.key][-1][1].split(",").count(write.value)
        if times > 1 or (times == 0 and write.outcome == ACKED) or \
                (times == 1 and write.outcome in (REFUSED, UNSENT)):
            wrong.append(f"{write} is {times} times in the list")
    return wrong


def heal(world, members):
    for etcd in world.cluster.members:
        etcd.cont()
        if not etcd.running:
            etcd.start()
    world.cluster.wait_healthy()
    for member in members:
        member.network("pass")
        member.cont()
        if not member.running:
            member.start()
    world.settled(members, 40)


def shown(member, node):
    """What is plain and the node's own, as {name: value}."""
    frames, _, stale = request(member, "retrieve", f"/nodes/{node}/attributes/current")
    assert frames is not None and not stale, "the copy is not current"
    assert not any("errorcode" in frame for frame in frames), frames
    found = {}
    for frame in frames:
        for name, value in frame.items():
            found[name] = ",".join(value[:-1]) if name == "groups" else str(value.get("value"))
    return found


def assert_copies_agree(world, members):
    prefix = world.key("nodes/")
    stored = {}
    for key in world.etcd.list(prefix):
        node, name = key.key[len(prefix):].split("/")
        stored.setdefault(node, {})[name] = key.value
    for member in members:
        for node in NODES:
            wait_until(lambda m=member, n=node: shown(m, n) == stored[n], 15,
                       f"{member.title} to show of {node} what is in etcd: {stored[node]}")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.takes(24)
def test_what_was_acknowledged_is_there_and_what_was_refused_is_not(world3, seed,
                                                                    record_property):
    members = world3.collective(3)
    define(members[0])
    for member in members:
        wait_until(lambda m=member: shown(m, NODES[-1]), 10, f"{member.title} to have the nodes")
    stop = threading.Event()
    clients = [Client(n, members[n % 3], seed, stop) for n in range(CLIENTS)]
    nemesis = Nemesis(world3, members, seed)
    for client in clients:
        client.start()
    nemesis.run(SECONDS)
    stop.set()
    heal(world3, members)
    for client in clients:
        client.join(60)
        assert not client.is_alive(), "a request hangs"
    writes = [write for client in clients for write in client.writes]
    counts = {o: sum(w.outcome == o for w in writes) for o in (ACKED, REFUSED, UNKNOWN, UNSENT)}
    print(f"seed {seed}: {counts}, {len(nemesis.done)} faults: {' '.join(nemesis.done)}")
    for name, count in counts.items():
        record_property(name, count)
    history = versions(world3)
    wrong, at = judge_values(writes, history)
    wrong += judge_order(writes, at) + judge_clears(writes, history)
    wrong += judge_groups(writes, history)
    for client in clients:
        wrong += client.wrong
    assert not wrong, "\n".join(wrong)
    assert_copies_agree(world3, members)
    assert counts[ACKED] > 10 * SECONDS, counts
    assert len(nemesis.done) >= SECONDS / 5
