"""Who leads when a process ends, hangs or comes back."""

import shutil
import time

import pytest

from harness.wait import holds_for, wait_until


def moment(condition, deadline, what):
    """Seconds until the condition came true."""
    began = time.monotonic()
    wait_until(condition, deadline, what, every=0.01)
    return time.monotonic() - began


def new_leader(world, old):
    key = world.leader_key()
    return key and key.value != old and key.value


@pytest.mark.timing
@pytest.mark.takes(16)
def test_a_killed_leader_is_replaced_within_its_ttl_and_two_seconds(world3, record_property):
    members = world3.collective(3)
    took = []
    for _ in range(3):
        leader = world3.settled(members)
        leader.kill()
        took.append(moment(lambda old=leader.title: new_leader(world3, old), 15, "a new leader"))
        survivors = [m for m in members if m is not leader]
        wait_until(lambda s=survivors: world3.acting_leaders(s), 2, "it to act as leader")
        leader.start()
    record_property("takeover", took)
    assert max(took) <= members[0].ttl + 2, took


@pytest.mark.timing
def test_a_leader_that_is_told_to_end_hands_over_within_a_second(world3, record_property):
    members = world3.collective(3)
    leader = world3.settled(members)
    began = time.monotonic()
    leader.process.expected_exit = True
    leader.process.signal(15)
    wait_until(lambda: new_leader(world3, leader.title), 5, "a new leader", every=0.01)
    took = time.monotonic() - began
    record_property("handover", took)
    assert leader.process.wait(10) == 0
    assert took < 1, took


@pytest.mark.timing
@pytest.mark.takes(8)
def test_a_leader_that_dies_with_etcds_leader_is_replaced_within_its_ttl_and_four_seconds(
        world3, record_property):
    """As when the host of both loses power: etcd's new leader grants every lease its full time."""
    members = world3.collective(3)
    leader = world3.settled(members)
    etcd = world3.cluster.wait_leader()
    leader.kill()
    etcd.kill()
    survivors = [m for m in members if m is not leader]
    took = moment(lambda: world3.acting_leaders(survivors), 20, "another to act as leader")
    record_property("takeover", took)
    assert took <= members[0].ttl + 4, took
    etcd.start()
    leader.start()
    world3.settled(members, 25)


def test_a_follower_that_dies_goes_offline_and_the_leader_stays(world):
    mgt1, mgt2 = world.collective(2)
    since = world.etcd.revision()
    mgt2.kill()
    wait_until(lambda: mgt1.raw_show()["offline"] == ["mgt2"], mgt2.ttl + 3, "mgt2 to be offline")
    assert world.leader_history(since + 1) == []


def test_a_restart_within_the_ttl_moves_nothing(world):
    mgt1, mgt2 = world.collective(2)
    since = world.etcd.revision()
    active = world.etcd.get(world.key("active/mgt2"))
    mgt2.restart()
    wait_until(mgt2.is_active, mgt2.ttl + 5, "mgt2 to be active")
    now = world.etcd.get(world.key("active/mgt2"))
    gone = [kind for _, kind, _ in world.etcd.history(world.key("active/mgt2"), since + 1)
            if kind == "DELETE"]
    assert gone == [], "it was never away for the others"
    assert now.create_revision == active.create_revision
    assert world.leader_history(since + 1) == []
    holds_for(lambda: mgt1.raw_show()["offline"] == [], mgt2.ttl + 1, "mgt2 stays active")


def test_a_leader_killed_and_started_at_once_leads_on_or_hands_over_cleanly(world):
    members = world.collective(2)
    since = world.etcd.revision()
    members[0].kill()
    members[0].start()
    leader = world.settled(members, members[0].ttl + 10)
    assert world.acting_leaders(members) == [leader.title]
    values = [key.value for _, kind, key in world.leader_history(since + 1) if kind == "PUT"]
    assert len(values) <= 1, f"leadership moved more than once: {values}"


def test_a_leader_paused_beyond_its_ttl_writes_nothing_before_it_knows_where_it_stands(world3):
    members = world3.collective(3)
    old = world3.settled(members)
    others = [m for m in members if m is not old]
    old.stop()
    wait_until(lambda: new_leader(world3, old.title), 15, "a new leader")
    new = wait_until(lambda: world3.acting_leaders(others), 5, "it to act")[0]
    since = world3.etcd.revision()
    old.cont()
    seen = set()

    def settled():
        facts = old.raw_show()
        seen.add(facts["leader"] if facts["quorum"] else None)
        return facts["quorum"] and facts["leader"] == new
    wait_until(settled, 15, "the old leader to see the new one", every=0.005)
    assert old.title not in seen, "it called itself leader after the pause"
    world3.settled(members)
    changes = world3.etcd.history("/confluent/", since + 1)
    mine = {world3.key(f"active/{old.title}")}
    foreign = [(r, kind, key.key) for r, kind, key in changes
               if key.key not in mine and key.key != world3.key("pulse")]
    assert foreign == [], "it changed nothing but its own active key"
    assert world3.leader_key().value == new


def test_a_short_pause_moves_nothing(world):
    members = world.collective(2)
    since = world.etcd.revision()
    members[0].stop()
    time.sleep(1)
    members[0].cont()
    holds_for(lambda: world.leader_key().value == "mgt1", members[0].ttl, "mgt1 leads on")
    assert world.leader_history(since + 1) == []


@pytest.mark.takes(18)
def test_two_agents_with_one_name_do_not_fight(world):
    mgt1, mgt2 = world.collective(2)
    active = world.etcd.get(world.key("active/mgt2"))
    twin = world.agent("twin", start=False)
    shutil.rmtree(twin.config_dir)
    shutil.copytree(mgt2.config_dir, twin.config_dir)
    twin.start()

    def refused():
        facts = twin.raw_show()
        return facts["state"] == "refused" and facts
    facts = wait_until(refused, 10, "the second to be refused")
    assert "mgt2" in twin.text
    assert facts.get("note"), "show says why"
    since = world.etcd.revision()
    holds_for(lambda: world.etcd.get(world.key("active/mgt2")).create_revision ==
              active.create_revision, 6, "the first keeps its key")
    touched = [kind for _, kind, key in world.etcd.history(world.key("active/mgt2"), since + 1)]
    assert touched == [], "nobody fights over it"
    assert mgt2.is_active()
    mgt2.kill()
    wait_until(twin.is_active, mgt2.ttl + 6, "the second to take the place that is free now")
    assert mgt1.raw_show()["active"] == ["mgt2"]
