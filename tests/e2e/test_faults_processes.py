"""Fault scenarios: processes and hosts die, hang and come back; their nodes go where they should.

Times that are promised are measured in test_faults_times.py, as shipped; the limits here leave
room for sanitizers and for what runs beside."""

import os
import random
import time

import pytest

from harness.fleet import raft_leader_to
from harness.wait import holds_for, wait_until
from harness.wirelab import Freezer

POINTS = int(os.environ.get("FAULT_POINTS", "2"))
ROOM = 6  # seconds beyond what is promised, see above


def test_f1_the_nodes_of_a_killed_leader_are_spread_over_the_others(world3, fleet):
    """F1: kill -9 of the leader. Another one leads, and its nodes are with the others."""
    members = world3.collective(3)
    nodes = fleet(world3, members)
    leader = world3.settled(members)
    others = [m for m in members if m is not leader]
    before = nodes.managers()
    leader.kill()
    nodes.left_by(leader, deadline=leader.ttl + 2 + ROOM)
    report = nodes.judged()
    assert len(report.moves) == 20 and {m.source for m in report.moves} == {leader.title}
    assert all(m == before[n] for n, m in nodes.managers().items() if before[n] != leader.title), (
        "who had a manager keeps it")
    assert nodes.spread_evenly(*others)
    leader.start()
    world3.settled(members)
    assert nodes.of(leader) == [], "nothing moves back by itself"
    nodes.judged()


def test_f2_a_leader_that_ends_and_returns_within_its_ttl_moves_nothing(world, fleet):
    """F2: SIGTERM. Leadership is handed over at once; the nodes wait for the lease to end, and the
    agent is back before."""
    members = world.collective(3, ttl=8)
    nodes = fleet(world, members)
    leader = world.settled(members)
    assert leader.term() == 0
    wait_until(lambda: world.leader_key() and world.leader_key().value != leader.title, 5,
               "another to lead")
    leader.start()
    world.settled(members)
    nodes.unmoved()


def test_f2_the_nodes_of_a_leader_that_ends_for_good_move_when_its_lease_does(world, fleet):
    """F2: SIGTERM, and it does not come back."""
    members = world.collective(3)
    nodes = fleet(world, members)
    leader = world.settled(members)
    assert leader.term() == 0
    nodes.left_by(leader, deadline=leader.ttl + 2 + ROOM)
    report = nodes.judged()
    assert {m.source for m in report.moves} == {leader.title}


def test_f3_a_host_that_loses_power_stalls_nobody(lab, fleet):
    """F3: no connection is ended, nothing is answered any more. The others do not wait for TCP."""
    site = lab(etcds=3)
    members = site.collective(3)
    nodes = fleet(site, members)
    leader = site.settled(members)
    site.power_off(leader.host)
    nodes.left_by(leader, deadline=leader.ttl + 2 + ROOM)
    report = nodes.judged()
    assert len(report.moves) == 20
    site.power_on(leader.host)
    site.settled(members, 20)
    nodes.judged()


@pytest.mark.takes(22)
def test_f4_a_leader_stopped_while_it_moves_nodes_changes_nothing_when_it_goes_on(world3, fleet):
    """F4: SIGSTOP of the leader at random moments of a failover, SIGCONT when another one has led and
    completed it. What it had in its hands when it was stopped is not applied any more."""
    world3.options["failover"] = {"hold_down": 0}
    members = world3.collective(4)
    nodes = fleet(world3, members, count=1200)
    source = random.Random(4)
    for _ in range(POINTS):
        leader = world3.settled(members, 25)
        victim = next(m for m in reversed(members) if m is not leader)
        mark = nodes.recorder.revision
        nodes.put({f"nodes/{n}/collective.manager": victim.title for n in nodes.managers()})
        victim.kill()
        nodes.moves_begun(20, since=mark, leader=leader.title)
        time.sleep(source.uniform(0, 0.1))
        leader.stop()
        nodes.left_by(victim, leader, deadline=30)
        holder = world3.leader_key().value
        assert holder != leader.title
        mark = world3.etcd.revision()
        leader.cont()
        victim.start()
        world3.settled(members, 30)
        late = [key for _, _, key in world3.etcd.history(world3.key("history/"), mark + 1)
                if f'"by":"{leader.title}"' in key.value and '"moves"' in key.value]
        assert late == [], "it moved nodes after it went on"
    nodes.judged()


def test_f5_a_short_stop_moves_nothing(world, fleet):
    """F5: SIGSTOP of each member for a second, the leader included."""
    members = world.collective(3)
    nodes = fleet(world, members)
    for member in members:
        member.stop()
        time.sleep(1)
        member.cont()
    holds_for(lambda: world.leader_key().value == "mgt1", members[0].ttl, "mgt1 leads on")
    nodes.unmoved()


def test_f6_a_virtual_machine_that_stands_still_finds_its_nodes_gone_and_says_why(lab, fleet):
    """F6: agent and etcd of one host are frozen beyond the TTL, and thawed. The agent takes note of
    the pause; nothing that it believed before is carried out."""
    site = lab(etcds=3, together=True)
    members = site.collective(3)
    nodes = fleet(site, members)
    leader = site.settled(members)
    frozen = Freezer(site.of_host(leader.host))
    try:
        frozen.freeze()
        nodes.left_by(leader, deadline=leader.ttl + 4 + ROOM)
        frozen.thaw()
        wait_until(lambda: "paused" in leader.text, 15, "it to say that it was paused")
        site.settled(members, 25)
    finally:
        frozen.close()
    report = nodes.judged()
    assert {m.source for m in report.moves} == {leader.title}
    assert nodes.of(leader) == []


@pytest.mark.takes(14)
def test_f7_a_host_that_takes_etcds_leader_with_it_leaves_no_node_behind(lab, fleet):
    """F7: the host that both the leader and etcd's leader run on loses power."""
    site = lab(etcds=3, together=True)
    members = site.collective(3)
    nodes = fleet(site, members)
    leader = site.settled(members)
    raft_leader_to(site, next(m for m in site.cluster.members if m.host is leader.host))
    site.power_off(leader.host)
    nodes.left_by(leader, deadline=leader.ttl + 4 + ROOM)
    report = nodes.judged()
    assert len(report.moves) == 20
    site.power_on(leader.host)
    site.cluster.wait_healthy()
    site.settled(members, 25)
    nodes.judged()


def test_f51_nodes_whose_candidates_are_all_gone_are_orphans_until_one_returns(world, fleet):
    """F51: the manager is left as it was and the nodes are shown as orphaned; the first candidate that
    returns has them within a second."""
    members = world.collective(3)
    nodes = fleet(world, members, candidates="mgt2,mgt3", manager="mgt2")
    for member in members[1:]:
        member.kill()
    wait_until(lambda: sorted(members[0].raw_show()["offline"]) == ["mgt2", "mgt3"], 20,
               "both to be offline")
    wait_until(lambda: len(members[0].raw_show(True).get("orphans", [])) > 0, 10,
               "show -v to name orphans")
    # The lease of one ended first, and the nodes may have gone to the other for a moment.
    managers = nodes.managers()
    holds_for(lambda: nodes.managers() == managers, 2, "the managers stay as they are")
    had = "mgt2" if nodes.left("mgt2") else "mgt3"
    assert nodes.left(had) == nodes.count
    back = next(m for m in members[1:] if m.title != had)
    back.start()
    wait_until(back.is_active, 15, f"{back.title} to be active")
    began = time.monotonic()
    nodes.left_by(had, deadline=1 + ROOM)
    world.seen(f"orphans taken {time.monotonic() - began:.2f} s after their candidate was active")
    assert nodes.left(back) == nodes.count
    wait_until(lambda: not members[0].raw_show(True).get("orphans"), 10, "no orphans to be shown")
    nodes.judged()
