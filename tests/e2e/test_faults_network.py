"""Fault scenarios: the wire between members and etcd is cut, hears one side only, comes and goes."""

import time

import pytest

from harness.agent import run_command
from harness.httpproxy import HttpProxy
from harness.wait import holds_for, wait_until

ROOM = 6  # see test_faults_processes.py


@pytest.mark.takes(13)
def test_f15_a_member_cut_off_from_one_etcd_in_silence_goes_to_another(lab, fleet):
    """F15: packets to one etcd vanish, each in turn. Everybody has quorum all the time; no node
    moves."""
    site = lab(etcds=3)
    members = site.collective(3)
    nodes = fleet(site, members)
    for etcd in site.cluster.members:
        for member in members:
            site.cut_off(member, [etcd.host])
        holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 4,
                  f"everybody has quorum without {etcd.name}")
        for member in members:
            site.reconnect(member)
    nodes.unmoved()


def test_f16_a_leader_cut_off_from_all_of_etcd_lets_go_in_time(lab, fleet):
    """F16: it says that it leads no more before etcd ends its lease, and so before another one can
    lead; its nodes go to the others. (The gap is measured in test_faults_times.py.)"""
    site = lab(etcds=3)
    members = site.collective(3)
    nodes = fleet(site, members)
    leader = site.settled(members)
    site.cut_off(leader)
    wait_until(lambda: not leader.raw_show()["quorum"], leader.ttl + ROOM, "it to know")
    nodes.left_by(leader, deadline=leader.ttl + 2 + ROOM)
    site.reconnect(leader)
    site.settled(members, 20)
    report = nodes.judged()
    assert {m.source for m in report.moves} == {leader.title}
    assert {m.by for m in report.moves} <= {m.title for m in members if m is not leader}


@pytest.mark.takes(15)
def test_f17_a_leader_that_hears_no_answers_does_nothing_twice(lab, fleet):
    """F17: in the middle of a failover what etcd answers is lost, what the leader asks arrives. So its
    transactions may be applied or not, and it can't know; the next leader completes the work."""
    site = lab(etcds=3)
    members = site.collective(3)
    nodes = fleet(site, members, count=3000, manager="mgt3")
    leader = site.settled(members)
    members[2].kill()
    nodes.moves_begun(members[2].ttl + 2 + ROOM)
    site.wire.one_way(site.etcd_hosts, [leader.host], down=True)
    heir = next(m for m in members[:2] if m is not leader)
    nodes.left_by("mgt3", leader, deadline=leader.ttl + 10 + ROOM)
    site.wire.heal()
    site.settled(members[:2], 20)
    assert len(nodes.of(heir)) == nodes.count
    nodes.judged()


@pytest.mark.takes(38)
def test_f19_a_flapping_link_moves_nodes_once_at_most(lab, fleet):
    """F19: two seconds up, two down: nobody is away for a TTL. Four up, eight down: the member is taken
    for dead again and again; its nodes go, once. An administrator gives them back while it is there:
    they stay for the rest of the hold-down."""
    site = lab(etcds=3)
    members = site.collective(3, ttl=6)
    nodes = fleet(site, members)
    leader = site.settled(members)
    victim = next(m for m in members if m is not leader)
    mine = nodes.of(victim)
    site.cut_off(victim, flap=(2, 2))
    holds_for(lambda: len(site.acting_leaders(members)) <= 1, 9, "one leader at most")
    site.reconnect(victim)
    site.settled(members, 20)
    nodes.unmoved()
    site.cut_off(victim, flap=(4, 8))
    nodes.left_by(victim, deadline=30)
    wait_until(lambda: victim.title in leader.raw_show()["active"], 15, "it to be back")
    for node in mine:
        rc, _, err = run_command("nodeattrib", node, f"collective.manager={victim.title}",
                                 socket=leader.socket)
        assert rc == 0, err
    wait_until(lambda: victim.title in leader.raw_show()["offline"], 20, "it to be away again")
    holds_for(lambda: nodes.of(victim) == mine, 5, "they stay with it", every=0.2)
    site.reconnect(victim)
    site.settled(members, 20)
    report = nodes.judged()
    assert len(report.moves) == len(mine), "each was moved once"
    assert len(report.reigns) == 1, report.reigns


@pytest.mark.takes(37)
def test_f20_a_watch_that_is_silent_is_not_trusted(site, fleet):
    """F20: the watches of the leader stand, and nothing comes of them; all else works. When a member
    dies its nodes move all the same, within two periods of the pulse, which is put every 15 s."""
    world = site(etcds=3)
    world.net.kind = HttpProxy
    members = world.collective(3)
    nodes = fleet(world, members)
    leader = world.settled(members)
    victim = next(m for m in members if m is not leader)
    assert sum(proxy.mute_watches() for proxy in leader.proxies) >= 1
    victim.kill()
    began = time.monotonic()
    nodes.left_by(victim, deadline=victim.ttl + 30 + ROOM)
    world.seen(f"moved {time.monotonic() - began:.1f} s after the death, without a watch")
    assert world.leader_key().value == leader.title
    nodes.judged()
