"""F50: the leader is killed at every transaction with which it moves nodes, and the next one goes on:
of a failover, of a drain, of a rebalancing.

A proxy sees each transaction with which a leader moves nodes, and kills the leader: before it gets to
etcd, or after it was carried out and before the leader hears of it, in turns. What did not get there in
time gets there late, when the dead one's lease has ended. That is revoked at once (its end is what
matters, not the wait for it), the agent is started again, and another one leads; so it goes on until
nobody has anything left to move. Meanwhile administrators give nodes to others, with nodeattrib and with
etcdctl. Members that never lead serve the nodes, and live."""

import collections
import itertools
import json
import os
import random
import threading
import time

import pytest

from harness.agent import run_command
from harness.fleet import etcdctl
from harness.httpproxy import HttpProxy, puts_of
from harness.wait import wait_until

SEED = int(os.environ.get("FAULT_SEED", "1"))
ENOUGH = 2  # seconds without a kill, and nothing to move: it is over


Kill = collections.namedtuple("Kill", "agent process how body applied")


class Reaper:
    """Kills the leader at each transaction of moves; how: before or after, again and again. alone: of
    those that it has under way at once no other one gets to etcd."""

    def __init__(self, world, how=("before", "after"), alone=True):
        self.alone = alone
        self.agents = {}
        self.how = itertools.cycle(how)
        self.kills = []
        self.lock = threading.Lock()
        self.dead = {}   # process: how
        world.net.kind = self.proxy

    def proxy(self, network, target_port, label):
        made = HttpProxy(network, target_port, label)
        made.title = label.rsplit("-", 1)[0]
        made.on_request, made.on_answer = self.request, self.answer
        return made

    def watch(self, *agents):
        self.agents = {a.title: a for a in agents}

    def _kill(self, agent, process, how, body, applied=False):
        process.expected_exit = True
        process.popen.kill()
        self.kills.append(Kill(agent, process, how, body, applied))

    def request(self, proxy, connection, path, body):
        agent = self.agents.get(proxy.title)
        if agent is None:
            return
        process = connection.owner = connection.owner or agent.process
        with self.lock:
            if self.dead.get(process) == "before":
                raise ConnectionResetError("its agent is dead")
            if not path.endswith("/kv/txn") or not any(
                    "/history/" in key and '"moves"' in value
                    for key, value in puts_of(body).items()):
                return
            if process in self.dead:
                if self.alone:
                    raise ConnectionResetError("its agent is as good as dead")
                return
            if next(self.how) == "before":
                self.dead[process] = "before"
                self._kill(agent, process, "before", body)
                raise ConnectionResetError("its agent is dead")
            self.dead[process] = "after"
            connection.note = agent, process, body

    def answer(self, _, connection, data):
        if connection.note:
            agent, process, body = connection.note
            connection.note = None
            with self.lock:
                self._kill(agent, process, "after", body, b'"succeeded":true' in data)
            raise ConnectionResetError("its agent is dead")


class Administrator(threading.Thread):
    """Gives nodes to members that live, by turns with a command and by hand; knows what was said."""

    def __init__(self, world, member, names, targets, pause):
        super().__init__(daemon=True)
        self.world, self.member, self.names, self.targets = world, member, names, targets
        self.pause = pause
        self.random = random.Random(SEED)
        self.over = threading.Event()
        self.last = {}
        self.wrong = []
        self.count = 0

    def run(self):
        while not self.over.is_set():
            node, target = self.random.choice(self.names), self.random.choice(self.targets)
            try:
                if self.count % 2:
                    etcdctl(self.world, "put", self.world.key(f"nodes/{node}/collective.manager"),
                            target)
                else:
                    rc, out, err = run_command("nodeattrib", node, f"collective.manager={target}",
                                               socket=self.member.socket)
                    assert rc == 0, (out, err)
            except (AssertionError, OSError) as error:
                self.wrong.append(error)
            self.last[node] = target
            self.count += 1
            self.over.wait(self.pause)


def set_up(world, fleet, **kwargs):
    """Leaders mgt1 to mgt4, srv1 and srv2, which serve, and mgt5, whose nodes have to go to these;
    (leaders, the serving, mgt5, the nodes)."""
    mgt1, token = world.found()
    others = [world.agent(f"mgt{n}") for n in range(2, 6)]
    serving = [world.agent("srv1"), world.agent("srv2")]
    for joiner in others:
        answer = joiner.join(mgt1, token if joiner.title == "mgt2" else mgt1.invite(joiner.title))
        assert answer.rc == 0, answer
    for joiner in serving:
        answer = joiner.join(mgt1, mgt1.invite(joiner.title, "-n"))
        assert answer.rc == 0, answer
    world.settled([mgt1, *others, *serving], 25)
    *leaders, victim = [mgt1, *others]
    nodes = fleet(world, [*leaders, victim, *serving], candidates="srv1,srv2", manager=victim.title,
                  **kwargs)
    return leaders, serving, victim, nodes


def all_to(nodes, member):
    """Gives it all the nodes, and waits until everybody knows."""
    nodes.put({f"nodes/{n}/collective.manager": member.title for n in nodes.managers()})
    revision = nodes.world.etcd.revision()
    for one in nodes.members:
        wait_until(lambda m=one: int(m.raw_show(True)["database"]["revision"]) >= revision, 30,
                   f"{one.title} to know")
    nodes.recorder.wait(lambda: nodes.left(member) == nodes.count, 30, "all nodes to be there")


def end(world, kill):
    """What is left of a killed agent goes at once, and it comes back; only then its last transaction
    gets to etcd, where it was not there before, and another time, where it was."""
    kill.process.wait(10)
    active = world.etcd.get(world.key(f"active/{kill.agent.title}"))
    if active:
        world.etcd.revoke(active.lease)
    kill.agent.start(wait=False)
    late = world.etcd.call("/v3/kv/txn", json.loads(kill.body))
    assert not late.get("succeeded"), "a transaction of a leader that was"


def cascade(reaper, nodes, left, deadline):
    """Until nothing is left to move, as left() tells; how long that took."""
    world = nodes.world
    began = time.monotonic()
    done = over = 0
    while not over or time.monotonic() < over + ENOUGH:
        if len(reaper.kills) > done:
            end(world, reaper.kills[done])
            done += 1
            over = 0
        elif not left():
            over = over or time.monotonic()
        assert time.monotonic() < began + deadline, (
            f"{done} kills in {deadline} s, {left()} to go")
        time.sleep(0.005)
    return over - began


def play(world, fleet, reaper, deadline, **kwargs):
    leaders, serving, victim, nodes = set_up(world, fleet, **kwargs)
    administrator = Administrator(world, serving[0], sorted(nodes.managers()), ["srv1", "srv2"],
                                  0.05)
    reaper.watch(*leaders)
    administrator.start()
    lease = world.etcd.get(world.key(f"active/{victim.title}")).lease
    victim.kill()
    world.etcd.revoke(lease)
    took = cascade(reaper, nodes, lambda: nodes.left(victim), deadline)
    administrator.over.set()
    administrator.join()
    world.settled([*leaders, *serving], 30)
    report = nodes.judged()
    before = sum(kill.how == "before" for kill in reaper.kills)
    world.seen(f"{nodes.count} nodes in {took:.1f} s with {len(reaper.kills)} kills, {before} of them "
               f"before etcd had the transaction; {len(report.reigns)} reigns; "
               f"{administrator.count} changes by administrators")
    return nodes, administrator, report, took


def proven(reaper, nodes, administrator, report):
    managers = report.state.managers()
    assert set(managers.values()) == {"srv1", "srv2"}
    assert administrator.wrong == [], administrator.wrong[:3]
    lost = {n: (v, managers[n]) for n, v in administrator.last.items() if managers[n] != v}
    assert lost == {}, "an administrator's change always wins"
    moved = collections.Counter(m.node for m in report.moves)
    assert max(moved.values()) == 1, "no node was moved twice"
    assert len(report.reigns) == len(reaper.kills) + 1, "each one that was killed had led"
    revisions = {m.revision for m in report.moves}
    applied = sum(kill.applied for kill in reaper.kills)
    assert len(revisions) == applied if reaper.alone else len(revisions) >= applied
    assert nodes.count == len(managers)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among-others"])
@pytest.mark.takes(25)
def test_f50_a_leader_killed_at_every_transaction_leaves_nothing_undone(world, fleet, alone):
    """F50: the leader is killed at each transaction of a failover of 1,500 nodes; or at one of those
    that it has under way, and the others get through."""
    reaper = Reaper(world, alone=alone)
    nodes, administrator, report, _ = play(world, fleet, reaper, 150, count=1500)
    proven(reaper, nodes, administrator, report)


@pytest.mark.takes(20)
def test_f50_a_leader_killed_at_every_transaction_of_a_drain(world, fleet):
    """F50: 600 nodes of a member that is being drained go to the other one, whoever leads."""
    reaper = Reaper(world)
    leaders, serving, another, nodes = set_up(world, fleet, count=600)
    all_to(nodes, serving[0])
    reaper.watch(*leaders, another)
    answer = serving[0].collective("drain", "srv1", "--reason", "new fans", "--no-wait")
    assert answer.rc == 0, answer
    took = cascade(reaper, nodes, lambda: nodes.left("srv1"), 120)
    world.settled([*leaders, another, *serving], 30)
    report = nodes.judged()
    world.seen(f"{nodes.count} nodes in {took:.1f} s with {len(reaper.kills)} kills")
    assert nodes.left("srv2") == len(report.moves_of("drain")) == len(report.moves) == nodes.count
    assert len(reaper.kills) > 4
    assert world.etcd.get(world.key("drains/srv1")), "it stays drained until somebody ends that"


def test_f50_a_leader_killed_at_every_transaction_of_a_rebalancing(world, fleet):
    """F50: of 600 nodes of one member 250 are to be moved to the other one, and not one more."""
    reaper = Reaper(world)
    leaders, serving, another, nodes = set_up(world, fleet, count=600)
    all_to(nodes, serving[0])
    reaper.watch(*leaders, another)
    command = serving[0].spawn("rebalance", "--max-moves", "250")
    try:
        order = world.key("rebalance")
        nodes.recorder.wait(lambda: order in nodes.recorder.keys, 10, "the order to be there")
        took = cascade(reaper, nodes, lambda: order in nodes.recorder.keys, 120)
    finally:
        command.kill()
        command.communicate()
    world.settled([*leaders, another, *serving], 30)
    report = nodes.judged()
    world.seen(f"250 nodes in {took:.1f} s with {len(reaper.kills)} kills")
    assert len(report.moves_of("rebalance")) == len(report.moves) == 250
    assert nodes.left("srv2") == 250
    assert len(reaper.kills) > 4


@pytest.mark.timing
@pytest.mark.alone
def test_f50_a_leader_killed_at_every_transaction_of_ten_thousand_nodes(
        world, fleet, record_property):
    """F50: the same with 10,000 nodes, each with candidates of its own."""
    reaper = Reaper(world, ("before", "after", "after"))
    nodes, administrator, report, took = play(world, fleet, reaper, 200, count=10000, own=True)
    record_property("took", took)
    record_property("kills", len(reaper.kills))
    proven(reaper, nodes, administrator, report)
