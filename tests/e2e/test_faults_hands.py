"""Fault scenarios: somebody with etcdctl takes the leader's lease, key or membership away while it moves
nodes. The work is completed by who leads then, and nothing is written by who does not."""

import pytest

from harness.agent import run_command
from harness.fleet import etcdctl
from harness.wait import wait_until

ROOM = 6  # see test_faults_processes.py


def in_the_middle(world, fleet):
    """(members, leader, nodes): mgt3 has died with 3,000 nodes, and the leader has begun to move
    them."""
    members = world.collective(3)
    nodes = fleet(world, members, count=3000, manager="mgt3")
    leader = world.settled(members)
    assert leader is members[0]
    members[2].kill()
    nodes.moves_begun(members[2].ttl + 2 + ROOM)
    return members, leader, nodes


def test_f30_a_leaders_lease_revoked_in_the_middle_of_a_failover(world, fleet):
    """F30: an administrator revokes the leader's lease. It stops at once, whoever leads next goes on;
    it may be the same one, with a new lease."""
    members, leader, nodes = in_the_middle(world, fleet)
    lease = world.leader_key().lease
    etcdctl(world, "lease", "revoke", f"{lease:x}")
    nodes.left_by("mgt3", deadline=20)
    world.settled(members[:2], 20)
    report = nodes.judged()
    assert len(report.reigns) == 2, report.reigns
    assert {m.by for m in report.moves} <= {leader.title, report.reigns[1].name}


def test_f31_the_leader_key_deleted_in_the_middle_of_a_failover(world, fleet):
    """F31: transactions that are on their way fail, a leader is elected, and goes on."""
    members, _, nodes = in_the_middle(world, fleet)
    etcdctl(world, "del", world.key("leader"))
    nodes.left_by("mgt3", deadline=20)
    world.settled(members[:2], 20)
    report = nodes.judged()
    assert len(report.reigns) == 2, report.reigns


def test_f31_the_leader_key_overwritten_in_the_middle_of_a_failover(world, fleet):
    """F31: while the key names nobody and hangs on no lease no node is moved; the leader puts it right
    and goes on."""
    members, leader, nodes = in_the_middle(world, fleet)
    etcdctl(world, "put", world.key("leader"), "nobody")
    nodes.left_by("mgt3", deadline=20)
    world.settled(members[:2], 20)
    report = nodes.judged("leader")
    assert world.leader_key().value == leader.title
    assert {m.by for m in report.moves} == {leader.title}


@pytest.mark.parametrize("who", ["leader", "follower"])
def test_f38_a_member_that_is_removed_while_it_runs_loses_its_nodes_at_once(world, fleet, who):
    """F38: its record is deleted by hand. It says so within a second, writes nothing any more, and its
    nodes go to the others without waiting for its lease."""
    members = world.collective(3)
    nodes = fleet(world, members)
    leader = world.settled(members)
    gone = leader if who == "leader" else next(m for m in members if m is not leader)
    others = [m for m in members if m is not gone]
    etcdctl(world, "del", world.key(f"members/{gone.title}"))
    wait_until(lambda: gone.raw_show()["state"] == "removed", 1 + ROOM, "it to know")
    mark = world.etcd.revision()
    rc, _, err = run_command("nodeattrib", "n1", "location.room=x", socket=gone.socket)
    assert rc != 0 and err, "it writes nothing"
    nodes.left_by(gone, deadline=2 + ROOM)
    assert nodes.spread_evenly(*others)
    world.settled(others, 20)
    report = nodes.judged()
    assert {m.by for m in report.moves if m.revision > mark} <= {m.title for m in others}
    tickets = [key.key for _, _, key in world.etcd.history(
        world.key(f"writes/{gone.title}/"), mark + 1)]
    assert tickets == []
