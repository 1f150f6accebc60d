"""The network between a member and etcd fails in every way that networks do."""

import threading
import time

import pytest

from harness.wait import holds_for, wait_until


def first_time(condition, stop, seen):
    """Polls in a thread of its own; seen gets the moment at which the condition was first true."""
    while not stop.is_set():
        try:
            if condition():
                seen.append(time.monotonic())
                return
        except OSError:
            pass
        time.sleep(0.01)


@pytest.mark.timing
@pytest.mark.parametrize("fault", ["blackhole", "no_replies"])
def test_a_leader_cut_off_stops_acting_before_etcd_lets_go_of_its_lease(
        world3, fault, record_property):
    members = world3.collective(3)
    leader = world3.settled(members)
    stop = threading.Event()
    quiet, expired = [], []

    def key_is_lost():
        key = world3.leader_key()
        return key is None or key.value != leader.title
    watchers = [
        threading.Thread(target=first_time, args=(
            lambda: leader.raw_show()["leader"] != leader.title or
            not leader.raw_show()["quorum"], stop, quiet)),
        threading.Thread(target=first_time, args=(key_is_lost, stop, expired)),
    ]
    began = time.monotonic()
    leader.network(fault)
    for watcher in watchers:
        watcher.start()
    wait_until(lambda: quiet and expired, 20, "both to have happened")
    stop.set()
    for watcher in watchers:
        watcher.join()
    gap = expired[0] - quiet[0]
    record_property("gap", gap)
    world3.note(f"stopped acting after {quiet[0] - began:.2f} s, etcd let go after "
                f"{expired[0] - began:.2f} s: a gap of {gap:.2f} s")
    assert gap > 0, f"it acted {-gap:.3f} s too long"
    others = [m for m in members if m is not leader]
    wait_until(lambda: world3.acting_leaders(others), 5, "another to lead")
    assert world3.acting_leaders(members) == world3.acting_leaders(others)
    leader.network("pass")
    world3.settled(members, 20)


@pytest.mark.takes(13)
def test_a_member_cut_off_from_one_etcd_goes_to_the_others(world3):
    members = world3.collective(3)
    since = world3.etcd.revision()
    for number in range(3):
        for member in members:
            member.proxies[number].set("blackhole")
        holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 4,
                  f"everybody has quorum without etcd {number + 1}")
        for member in members:
            member.proxies[number].set("pass")
    assert world3.leader_history(since + 1) == []


def test_connections_that_are_reset_again_and_again_demote_nobody(world3):
    members = world3.collective(3)
    since = world3.etcd.revision()
    for _ in range(30):
        for member in members:
            member.cut()
        time.sleep(0.1)
    holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 2, "everybody has quorum")
    assert world3.leader_history(since + 1) == []


def test_a_slow_network_demotes_nobody(world3):
    members = world3.collective(3, ttl=6)
    since = world3.etcd.revision()
    for member in members:
        member.network("delay", 0.1)
    holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 10, "everybody has quorum")
    for member in members:
        member.network("pass")
    assert world3.leader_history(since + 1) == []


def test_an_outage_shorter_than_the_ttl_is_survived_as_leader(world):
    members = world.collective(2, ttl=8)
    since = world.etcd.revision()
    members[0].network("blackhole")
    time.sleep(3)
    members[0].network("pass")
    wait_until(lambda: world.settled(members) is members[0], 15, "mgt1 to lead on")
    assert world.leader_history(since + 1) == []


def test_all_cut_off_and_back_leads_to_one_leader_again(world3):
    members = world3.collective(3)
    for member in members:
        member.network("blackhole")
    for member in members:
        wait_until(lambda m=member: not m.raw_show()["quorum"], 15, "quorum to be lost")
    assert all(m.raw_show()["quorum"] is False for m in members)
    for member in members:
        member.network("pass")
    began = time.monotonic()
    world3.settled(members, members[0].ttl + 10)
    assert time.monotonic() - began < members[0].ttl + 6


def test_a_minority_member_of_etcd_is_left_at_once(world3):
    """The agent's first etcd is cut off from its peers by stopping them, not the agent: a watch on
    it would be silent forever without the leader check."""
    members = world3.collective(2)
    victim, leader = world3.cluster.members[0], world3.cluster.wait_leader()
    for member in world3.cluster.members:
        if member is not victim:
            member.stop()
    wait_until(lambda: not members[0].raw_show()["quorum"], 15, "quorum to be lost")
    for member in world3.cluster.members:
        if member is not victim:
            member.cont()
    assert leader
    world3.cluster.wait_leader()
    world3.settled(members, 20)


@pytest.mark.takes(17)
def test_a_flapping_link_never_makes_two_leaders_and_settles(world3):
    members = world3.collective(3)
    since = world3.etcd.revision()
    for _ in range(4):
        members[0].network("blackhole")
        holds_for(lambda: len(world3.acting_leaders(members)) <= 1, 2, "at most one leader")
        members[0].network("pass")
        holds_for(lambda: len(world3.acting_leaders(members)) <= 1, 2, "at most one leader")
    world3.settled(members, 20)
    moved = [key.value for _, kind, key in world3.leader_history(since + 1) if kind == "PUT"]
    assert len(moved) <= 1, f"leadership moved more than once: {moved}"
