"""Fault scenarios: etcd members die, hang and crawl, quorum and space are lost; nodes stay where they
are, and those that have to move do as soon as it is possible again."""

import shutil
import subprocess
import time

import pytest

from harness.agent import run_command
from harness.etcdclient import b64
from harness.wait import holds_for, wait_until

ROOM = 6  # see test_faults_processes.py


def fill_up(world):
    """Until etcd raises its alarm."""
    filler = b64("x" * 1_000_000)
    for number in range(60):
        try:
            world.etcd.call("/v3/kv/put", {"key": b64("/filler"), "value": filler})
        except OSError as error:
            assert "space" in str(error), error
            break
        assert number < 59
    assert world.etcd.alarms()


def make_room(world):
    world.etcd.delete("/filler")
    world.etcd.compact(world.etcd.revision())
    world.etcd.call("/v3/maintenance/defragment", {}, 20)
    for alarm in world.etcd.alarms():
        world.etcd.call("/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})


def test_f10_with_one_etcd_of_three_gone_nodes_stay_and_still_can_move(world3, fleet):
    """F10: an etcd that does not lead dies; nobody notices, and a failover works without it."""
    members = world3.collective(3)
    nodes = fleet(world3, members)
    gone = next(m for m in world3.cluster.members if m is not world3.cluster.wait_leader())
    gone.kill()
    holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 3, "everybody has quorum")
    nodes.unmoved()
    leader = world3.settled(members)
    victim = next(m for m in members if m is not leader)
    victim.kill()
    nodes.left_by(victim, deadline=victim.ttl + 2 + ROOM)
    gone.start()
    nodes.judged()


@pytest.mark.takes(15)
def test_f11_etcds_leader_killed_in_the_middle_of_a_failover_loses_no_move(world3, fleet):
    """F11: while nodes are moved, etcd's leader dies. Leadership of the collective stays, what became
    of each transaction is found out, and all nodes arrive."""
    members = world3.collective(3, ttl=6)
    nodes = fleet(world3, members, count=3000, manager="mgt3")
    leader = world3.settled(members)
    fence = world3.leader_key().create_revision
    members[2].kill()
    nodes.moves_begun(members[2].ttl + 2 + ROOM)
    etcd = world3.cluster.wait_leader()
    etcd.kill()
    nodes.left_by("mgt3", deadline=25)
    assert world3.leader_key().create_revision == fence, "leadership stayed"
    assert nodes.spread_evenly("mgt1", "mgt2")
    assert leader is members[0]
    etcd.start()
    world3.cluster.wait_healthy()
    nodes.judged()


def test_f12_an_etcd_leader_that_was_stopped_prolongs_nothing_when_it_goes_on(world3, fleet):
    """F12: SIGSTOP of etcd's leader for ten seconds. Others take over there; its late answers count
    for nothing, and no node moves: not even when it ends all leases before it knows that it does not
    lead any more (etcd's issue 15247). Who is active again later than 0.2 s after that, because other
    tests run beside this one, is given time."""
    world3.options["failover"] = {"delay": 2}
    members = world3.collective(3, ttl=6)
    nodes = fleet(world3, members)
    victim = world3.cluster.wait_leader()
    victim.stop()
    wait_until(world3.cluster.leader, 10, "etcd to have another leader")
    holds_for(lambda: world3.acting_leaders(members) in ([], ["mgt1"]), 8, "mgt1 alone leads")
    victim.cont()
    world3.settled(members, 20)
    nodes.unmoved()


@pytest.mark.timing
def test_f12_leases_that_end_though_their_owners_live_move_nothing(world, fleet):
    """F12: what such an etcd does, one lease at a time and then all at once."""
    members = world.collective(3)
    nodes = fleet(world, members)
    leases = {m: world.etcd.get(world.key(f"active/{m.title}")).lease for m in members}
    for ending in [[m] for m in members] + [members]:
        for member in ending:
            world.etcd.call("/v3/lease/revoke", {"ID": str(leases[member])})
        for member in ending:
            key = wait_until(lambda m=member: [
                k for k in [world.etcd.get(world.key(f"active/{m.title}"))]
                if k and k.lease != leases[m]], 5, f"{member.title} to be active again")[0]
            leases[member] = key.lease
        world.settled(members)
    nodes.unmoved()


@pytest.mark.takes(14)
def test_f13_without_etcds_quorum_nodes_are_read_and_nothing_moves_until_it_is_back(world3, fleet):
    """F13: two of three etcd die, and then a member. What is known stays readable and is marked as
    stale; with quorum back within five seconds there is a leader, and then the dead one's nodes
    move."""
    members = world3.collective(3)
    nodes = fleet(world3, members)
    since = world3.etcd.revision()
    leader = world3.settled(members)
    down = world3.cluster.members[:2]
    for etcd in down:
        etcd.kill()
    for member in members:
        wait_until(lambda m=member: m.raw_show()["quorum"] is False, 15, "quorum to be false")
    victim = next(m for m in members if m is not leader)
    victim.kill()
    rc, out, err = run_command("nodeattrib", "n1", "collective.manager", socket=leader.socket)
    assert rc == 0 and "collective.manager: mgt1" in out, (rc, out, err)
    assert leader.raw_show()["stale"]["age"] >= 0
    rc, out, err = run_command("nodeattrib", "n1", "collective.manager=mgt2", socket=leader.socket)
    assert rc != 0 and "quorum" in err, (rc, out, err)
    for etcd in down:
        etcd.start()
    world3.cluster.wait_healthy()
    began = time.monotonic()
    wait_until(lambda: world3.acting_leaders(members), 5 + ROOM, "one to lead")
    world3.seen(f"a leader {time.monotonic() - began:.2f} s after etcd was healthy")
    assert world3.etcd.history(world3.key("nodes/"), since + 1) == [], "nothing had moved"
    nodes.left_by(victim, deadline=victim.ttl + 2 + ROOM)
    report = nodes.judged()
    assert {m.source for m in report.moves} == {victim.title}


@pytest.mark.takes(16)
def test_f14_an_etcd_whose_disk_is_slow_demotes_nobody(world3, fleet):
    """F14: each fdatasync of etcd's leader takes 0.3 s longer. It is slow, and no node moves; a
    failover takes place all the same."""
    if not shutil.which("strace"):
        pytest.skip("no strace to make system calls slow with")
    members = world3.collective(3, ttl=6)
    nodes = fleet(world3, members)
    etcd = world3.cluster.wait_leader()
    slow = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync",
         "-e", "inject=fdatasync,fsync:delay_enter=300000", "-p", str(etcd.process.pid)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        def is_slow():
            assert slow.poll() is None, slow.stderr.read()
            began = time.monotonic()
            world3.etcd.put("/slow", "x")
            return time.monotonic() - began > 0.25
        wait_until(is_slow, 10, "etcd to be slow")
        holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 10, "everybody has quorum")
        nodes.unmoved()
        members[2].kill()
        nodes.left_by("mgt3", deadline=30)
    finally:
        slow.terminate()
        slow.wait(10)
    nodes.judged()


@pytest.mark.takes(18)
def test_f26_without_space_in_etcd_moves_wait_and_say_so(site, fleet):
    """F26: etcd's alarm NOSPACE. The leader leads on; a member dies, and its nodes can't be moved;
    the reason and the remedy are told; when there is space again they move by themselves."""
    world = site(etcds=1, flags=["--quota-backend-bytes", str(16 << 20)])
    members = world.collective(3)
    nodes = fleet(world, members)
    elected = world.leader_key().create_revision
    fill_up(world)
    members[2].kill()
    wait_until(lambda: members[0].raw_show()["offline"] == ["mgt3"], 15, "mgt3 to be offline")
    wait_until(lambda: "space" in members[0].text.lower(), 15, "the leader to name the reason")
    holds_for(lambda: nodes.left("mgt3") == 20, 2, "its nodes stay")
    failover = members[0].machines().get("failover")
    assert failover and failover["state"], failover
    world.seen(f"under NOSPACE: {failover}")
    make_room(world)
    nodes.left_by("mgt3", deadline=12 + ROOM)
    assert world.leader_key().create_revision == elected, "leadership never moved"
    assert nodes.spread_evenly("mgt1", "mgt2")


def test_f27_a_leader_that_dies_without_space_is_followed_when_there_is_some(site, fleet):
    """F27: as F26, and it is the leader that dies. Nobody can take over; all say why; then one does,
    and the nodes move."""
    world = site(etcds=1, flags=["--quota-backend-bytes", str(16 << 20)])
    members = world.collective(3)
    nodes = fleet(world, members)
    leader = world.settled(members)
    others = [m for m in members if m is not leader]
    fill_up(world)
    leader.kill()
    wait_until(lambda: world.leader_key() is None, leader.ttl + 5, "the leader key to be gone")
    for member in others:
        wait_until(lambda m=member: "space" in m.text.lower(), 15, f"{member.title} to say why")
    assert world.leader_key() is None
    began = time.monotonic()
    make_room(world)
    wait_until(lambda: world.acting_leaders(others), members[0].ttl + ROOM, "another to lead")
    world.seen(f"takeover {time.monotonic() - began:.2f} s after the alarm was disarmed")
    nodes.left_by(leader, deadline=12 + ROOM)
    assert nodes.spread_evenly(*others)


def test_f42_an_agent_that_starts_without_etcd_shows_old_managers_and_moves_none(world, fleet):
    """F42: a member starts with its copy on disk while etcd is away. It tells who manages what, as of
    then, and does nothing about it; with etcd back nothing moves either."""
    members = world.collective(3)
    nodes = fleet(world, members)
    wait_until(lambda: int(members[1].raw_show(True)["database"]["copy_revision"]) >= nodes.since, 10,
               "the copy to be on disk")
    members[1].kill()
    members[1].network("blackhole")
    members[1].start()
    wait_until(lambda: (members[1].raw_show(True)["database"]["age"] or 0) > 0, 5, "the old copy")
    assert not members[1].raw_show()["quorum"]
    rc, out, _ = run_command("nodeattrib", "n2", "collective.manager", socket=members[1].socket)
    assert rc == 0 and "collective.manager: mgt2" in out, out
    machine = members[1].machines().get("failover")
    assert machine is None or machine["state"] == "following", machine
    members[1].network("pass")
    world.settled(members, 20)
    report = nodes.judged()
    assert {m.source for m in report.moves} <= {"mgt2"}, "only what was away beyond its TTL"
