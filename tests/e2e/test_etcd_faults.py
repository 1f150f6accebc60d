"""etcd itself fails: members die, its leader dies again and again, quorum is lost, space runs out."""

import os
import shutil
import time

import pytest

from harness.etcdclient import b64
from harness.wait import holds_for, wait_until


def test_one_etcd_of_three_can_die_without_anybody_noticing(world3):
    members = world3.collective(3)
    since = world3.etcd.revision()
    for victim in world3.cluster.members:
        if victim is world3.cluster.wait_leader():
            continue
        victim.kill()
        holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 4, "everybody has quorum")
        victim.start()
        world3.cluster.wait_healthy()
    assert world3.leader_history(since + 1) == []
    world3.settled(members)


@pytest.mark.takes(33)
def test_etcds_leader_killed_twenty_times_demotes_nobody(world3):
    members = world3.collective(3, ttl=6)
    since = world3.etcd.revision()
    for _ in range(20):
        victim = world3.cluster.wait_leader()
        victim.kill()
        wait_until(lambda v=victim: world3.cluster.leader() not in (None, v), 10,
                   "etcd to have another leader")
        victim.start()
        world3.cluster.wait_healthy()
    world3.settled(members)
    assert world3.leader_history(since + 1) == [], "leadership never moved"
    gone = [key.key for _, kind, key in world3.etcd.history(world3.key("active/"), since + 1)
            if kind == "DELETE"]
    assert gone == [], "no member was ever away"


def test_a_paused_etcd_leader_is_gone_round(world3):
    members = world3.collective(3, ttl=6)
    since = world3.etcd.revision()
    victim = world3.cluster.wait_leader()
    victim.stop()
    wait_until(world3.cluster.leader, 10, "etcd to have another leader")
    holds_for(lambda: world3.acting_leaders(members) in ([], ["mgt1"]), 8, "mgt1 alone leads")
    assert world3.leader_history(since + 1) == [], "leadership never moved"
    victim.cont()
    world3.settled(members, 20)
    # An etcd that led, and does not know yet that it does no more, may end leases (its issue 15247).
    elected = [key.value for _, kind, key in world3.leader_history(since + 1) if kind == "PUT"]
    assert len(elected) <= 1, elected


def test_who_watched_at_a_stopped_etcd_still_sees_a_member_go(world3):
    """A stopped process keeps its connections: the watch there is silent, and looks well."""
    mgt1, mgt2, mgt3 = world3.collective(3, ttl=5)
    current = [e["current"] for e in mgt2.raw_show(True)["etcd"]].index(True)
    world3.cluster.members[current].stop()
    wait_until(world3.cluster.leader, 10, "etcd to have a leader")
    wait_until(lambda: "given up" in mgt2.text, 10, "mgt2's watch to leave the stopped etcd")
    world3.settled([mgt1, mgt2, mgt3], 20)
    mgt3.kill()
    wait_until(lambda: "mgt3" in mgt2.raw_show()["offline"], 12, "mgt2 to see that mgt3 is gone")
    world3.cluster.members[current].cont()


def test_quorum_lost_is_seen_everywhere_writes_are_refused_and_all_heals(world3):
    members = world3.collective(3)
    since = world3.etcd.revision()
    down = world3.cluster.members[:2]
    for etcd in down:
        etcd.kill()
    for member in members:
        wait_until(lambda m=member: m.raw_show()["quorum"] is False, 15, "quorum to be false")
    for member in members:
        page = member.collective("show")
        assert page.rc == 0 and page.out.startswith("Quorum: False\n")
        began = time.monotonic()
        page = member.collective("invite", "mgt9")
        assert (page.rc, page.out, page.err) == (1, "", "Collective does not have quorum\n")
        assert time.monotonic() - began < 2, "no request hangs on it"
    assert world3.acting_leaders([m for m in members if m.raw_show()["quorum"]]) == []
    for etcd in down:
        etcd.start()
    world3.cluster.wait_healthy()
    began = time.monotonic()
    world3.settled(members, 15)
    assert time.monotonic() - began < 10
    moved = [key.value for _, kind, key in world3.leader_history(since + 1) if kind == "PUT"]
    assert len(moved) <= 1


def test_an_etcd_restarted_alone_is_found_again(world):
    members = world.collective(2)
    since = world.etcd.revision()
    world.cluster.members[0].kill()
    wait_until(lambda: not members[0].raw_show()["quorum"], 15, "quorum to be lost")
    world.cluster.members[0].start()
    world.cluster.wait_healthy()
    world.settled(members, 15)
    moved = [key.value for _, kind, key in world.leader_history(since + 1) if kind == "PUT"]
    assert moved in ([], ["mgt1"], ["mgt2"])


def test_compaction_under_a_paused_agent_makes_it_list_again(world):
    members = world.collective(2)
    members[1].stop()
    for n in range(50):
        world.etcd.put(world.key("foreign"), str(n))
    world.etcd.delete(world.key("foreign"))
    world.etcd.compact(world.etcd.revision())
    members[1].cont()
    world.settled(members, 20)


def test_when_etcd_has_no_space_the_leader_stays_and_the_remedy_is_named(site):
    world = site(etcds=1, flags=["--quota-backend-bytes", str(16 << 20)])
    mgt1, mgt2 = world.collective(2)
    elected = world.leader_key().create_revision
    filler = b64("x" * 1_000_000)
    for _ in range(40):
        try:
            world.etcd.call("/v3/kv/put", {"key": b64("/filler"), "value": filler})
        except OSError as error:
            assert "space" in str(error)
            break
    assert world.etcd.alarms(), "etcd raised its alarm"
    holds_for(lambda: mgt1.raw_show()["leader"] == "mgt1", 6, "the leader keeps its lease")
    token = mgt1.invite("mgt3")
    joiner = world.agent("mgt3")
    page = joiner.join(mgt1, token)
    assert (page.rc, page.out) == (1, "")
    assert "space" in page.err.lower() or "NOSPACE" in page.err, page
    assert "defrag" in page.err or "alarm disarm" in page.err, f"the remedy: {page.err!r}"
    wait_until(lambda: "defrag" in mgt1.text, 20, "the log to name the remedy, once")
    verbose = mgt1.collective("show", "-v")
    assert verbose.rc == 0
    world.etcd.delete("/filler")
    world.etcd.compact(world.etcd.revision())
    world.etcd.call("/v3/maintenance/defragment", {}, 20)
    for alarm in world.etcd.alarms():
        world.etcd.call("/v3/maintenance/alarm", {"action": "DEACTIVATE", **alarm})
    wait_until(lambda: joiner.join(mgt1, token).rc == 0, 15, "the join to work again", every=0.5)
    assert world.leader_key().create_revision == elected, "leadership never moved"
    world.settled([mgt1, mgt2, joiner])


def test_an_etcd_restored_from_an_older_state_is_noticed_and_reported(world):
    members = world.collective(2)
    etcd = world.cluster.members[0]
    etcd.term()
    older = os.path.join(world.folder, "older")
    shutil.copytree(etcd.data, older)
    etcd.start()
    world.cluster.wait_healthy()
    world.settled(members, 15)
    for n in range(200):
        world.etcd.put(world.key("foreign"), str(n))
    head = world.etcd.revision()
    for member in members:
        wait_until(lambda m=member: int(m.raw_show(True)["etcd"][0]["revision"]) >= head, 10,
                   f"{member.title} to have seen the newest revision")
    etcd.term()
    etcd.wipe()
    shutil.copytree(older, etcd.data)
    etcd.start()
    world.cluster.wait_healthy()
    for member in members:
        wait_until(lambda m=member: "revision" in m.text and "back" in m.text, 20,
                   f"{member.title} to report that the revision went back")
        wait_until(lambda m=member: m.raw_show()["state"] == "held", 10, "it to be held")
    before = world.etcd.revision()
    page = members[0].collective("show")
    assert page.rc == 0 and page.out.startswith("Quorum: False\n")
    assert "backup" in page.err and "collective adopt" in page.err, page
    page = members[0].collective("invite", "mgt3")
    assert (page.rc, page.out, page.err) == (1, "", "Collective does not have quorum\n")
    held = members[1]
    held.restart()
    wait_until(lambda: held.raw_show()["state"] == "held", 10, "it to be held after a restart, too")
    holds_for(lambda: world.leader_history(before + 1) == [], 3, "nobody writes")
    for member in members:
        page = member.collective("adopt")
        assert (page.rc, page.out) == (0, "Accepted etcd as it is now\n"), page
    world.settled(members, 30)
    assert members[0].collective("adopt").rc == 1, "there is nothing to adopt any more"


def test_an_etcd_that_was_replaced_is_never_silently_followed(world):
    members = world.collective(2)
    etcd = world.cluster.members[0]
    etcd.kill()
    etcd.wipe()
    world.cluster.token = "another-cluster"
    etcd.start()
    world.cluster.wait_healthy()
    for member in members:
        wait_until(lambda m=member: not m.raw_show()["quorum"], 15, "quorum to be gone")
        wait_until(lambda m=member: "cluster" in m.text and "id" in m.text, 15,
                   f"{member.title} to report the other cluster")
    holds_for(lambda: world.etcd.list("/confluent/") == [], 6, "nothing is written there")
    page = members[0].collective("show")
    assert page.rc == 0 and page.out.startswith("Quorum: False\n")
    assert "cluster" in page.err, page.err


@pytest.mark.takes(19)
def test_an_etcd_made_anew_from_a_backup_puts_every_member_on_hold(world):
    """Its raft term goes back: the answer that proves it is one of the member's own calls."""
    members = world.collective(2)
    etcd = world.cluster.members[0]
    etcd.term()
    older = os.path.join(world.folder, "older")
    shutil.copytree(etcd.data, older)
    for _ in range(4):
        etcd.start()
        world.cluster.wait_healthy()
        etcd.kill()
    etcd.start()
    world.cluster.wait_healthy()
    world.settled(members, 20)
    etcd.kill()
    etcd.wipe()
    shutil.copytree(older, etcd.data)
    etcd.start()
    world.cluster.wait_healthy()
    for member in members:
        wait_until(lambda m=member: m.raw_show()["state"] == "held", 20, f"{member.title} to hold")
        assert "raft term went back" in member.collective("show").err
    facts = members[1].raw_show()
    for n in range(50):
        world.etcd.put("/elsewhere", str(n))
    time.sleep(3)
    later = members[1].raw_show()
    assert later["stale"]["revision"] == facts["stale"]["revision"], "it follows no more"
    assert later["stale"]["age"] >= facts["stale"]["age"] + 2, "and says how old that is"
    for member in members:
        assert member.collective("adopt").rc == 0
    world.settled(members, 20)


@pytest.mark.takes(20)
def test_an_etcd_restored_while_a_member_was_away_is_noticed_by_its_raft_term(world):
    """It has come further than it was since, so that the revision tells nothing."""
    mgt1, mgt2 = world.collective(2)
    etcd = world.cluster.members[0]
    etcd.term()
    older = os.path.join(world.folder, "older")
    shutil.copytree(etcd.data, older)
    for _ in range(3):
        etcd.start()
        world.cluster.wait_healthy()
        etcd.kill()
    etcd.start()
    world.cluster.wait_healthy()
    world.settled([mgt1, mgt2], 20)
    mgt1.term()
    mgt2.term()
    etcd.kill()
    etcd.wipe()
    shutil.copytree(older, etcd.data)
    etcd.start()
    world.cluster.wait_healthy()
    for n in range(100):
        world.etcd.put("/elsewhere", str(n))
    mgt2.start()
    wait_until(lambda: mgt2.raw_show()["state"] == "held", 20, "mgt2 to hold")
    assert "raft term went back" in mgt2.collective("show").err
    mgt2.restart()
    assert mgt2.raw_show()["state"] == "held", "a restart does not end it"
    for member in (mgt1.start(), mgt2):
        wait_until(lambda m=member: m.raw_show()["state"] == "held", 20, "both to hold")
        assert member.collective("adopt").rc == 0
    world.settled([mgt1, mgt2], 20)
