"""Fault scenarios: the times that are promised, with 10,000 nodes, on the plain build and one test at a
time."""

import os
import time

import pytest

from harness.fleet import raft_leader_to
from harness.wait import wait_until

NODES = int(os.environ.get("FAULT_NODES", "10000"))
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))

pytestmark = pytest.mark.timing


class Times:
    """Of a member's end, seconds since it was killed: gone, its active key; begun and done, the moves
    of its nodes."""

    def __init__(self, nodes, victim, since, began):
        active = nodes.world.key(f"active/{victim.title}")
        later = [(stamp - began, kind, key.key) for stamp, revision, kind, key
                 in list(nodes.recorder.events) if revision > since]
        moves = [t for t, _, key in later if key.endswith("/collective.manager")]
        self.gone = next(t for t, kind, key in later if kind == "DELETE" and key == active)
        self.begun, self.done = moves[0], moves[-1]

    def __str__(self):
        return f"{self.done:.2f} s (away for etcd after {self.gone:.2f}, first move {self.begun:.2f})"


def all_to(nodes, member):
    """Gives it all the nodes; the revision of that."""
    nodes.put({f"nodes/{n}/collective.manager": member.title for n in nodes.managers()})
    revision = nodes.world.etcd.revision()
    for one in nodes.members:
        wait_until(lambda m=one: int(m.raw_show(True)["database"]["revision"]) >= revision, 30,
                   f"{one.title} to know")
    nodes.recorder.wait(lambda: nodes.left(member) == nodes.count, 30, "all nodes to be there")
    return revision


@pytest.mark.parametrize("who", ["leader", "follower"])
def test_f1_ten_thousand_nodes_of_a_killed_member_move_within_its_ttl_and_two_seconds(
        world3, fleet, who, record_property):
    """F1: kill -9 of a member with 10,000 nodes, which leads or does not."""
    world3.options["failover"] = {"hold_down": 0}
    members = world3.collective(3, ttl=6)
    nodes = fleet(world3, members, count=NODES)
    took = []
    for _ in range(ROUNDS):
        leader = world3.settled(members, 30)
        victim = leader if who == "leader" else next(m for m in members if m is not leader)
        since = all_to(nodes, victim)
        began = time.monotonic()
        victim.kill()
        nodes.left_by(victim, deadline=30)
        took.append(Times(nodes, victim, since, began))
        victim.start()
    record_property("took", [t.done for t in took])
    world3.seen(f"{NODES} nodes of a {who} after {', '.join(map(str, took))}")
    nodes.judged()
    assert max(t.done for t in took) <= 6 + 2


def test_f7_ten_thousand_nodes_of_a_host_with_both_leaders_move_within_a_ttl_and_four_seconds(
        lab, fleet, record_property):
    """F7: the host of the leader and of etcd's leader loses power; it had all the nodes."""
    site = lab(etcds=3, together=True)
    members = site.collective(3, ttl=6)
    nodes = fleet(site, members, count=NODES, manager="mgt1")
    leader = site.settled(members)
    assert leader is members[0]
    raft_leader_to(site, site.cluster.members[0])
    since = nodes.since
    began = time.monotonic()
    site.power_off(leader.host)
    nodes.left_by(leader, deadline=30)
    took = Times(nodes, leader, since, began)
    record_property("took", took.done)
    site.seen(f"{NODES} nodes of both leaders' host after {took}")
    site.power_on(leader.host)
    site.cluster.wait_healthy()
    nodes.judged()
    assert took.done <= 6 + 4


@pytest.mark.parametrize("fault", ["cut", "deaf"])
def test_f16_a_leader_that_hears_nothing_lets_go_before_etcd_does(lab, fleet, fault, record_property):
    """F16, F17: the packets of both directions are lost, or the answers only. It says that it acts no
    more, and then, and not before, etcd ends its lease."""
    site = lab(etcds=3)
    site.options["failover"] = {"hold_down": 0}
    members = site.collective(3, ttl=5)
    nodes = fleet(site, members)
    gaps = []
    for _ in range(ROUNDS):
        leader = site.settled(members, 30)
        since, line = site.etcd.revision(), len(leader.process.lines)
        if fault == "cut":
            site.cut_off(leader)
        else:
            site.wire.one_way(site.etcd_hosts, [leader.host], down=True)
        key = site.key("leader")
        ended = nodes.recorder.wait(lambda k=key, r=since: next(
            (stamp for stamp, revision, kind, one in nodes.recorder.events
             if revision > r and kind == "DELETE" and one.key == k), None), 20, "its lease to end")
        quiet, _ = leader.process.wait_for_line("leader: leader -> suspended", 5, line)
        gaps.append(ended - quiet)
        nodes.left_by(leader, deadline=10)
        site.wire.heal()
    record_property("gaps", gaps)
    site.seen(f"{fault}: it let go {', '.join(f'{g:.2f}' for g in gaps)} s before etcd did")
    site.settled(members, 30)
    nodes.judged()
    assert min(gaps) > 0, gaps
