"""An administrator with etcdctl: keys deleted, overwritten, leases revoked, nonsense written."""

import os
import subprocess

from harness.wait import holds_for, wait_until


def etcdctl(world, *args):
    program = os.environ.get("ETCDCTL") or "etcdctl"
    env = dict(os.environ, ETCDCTL_API="3")
    done = subprocess.run([program, "--endpoints", world.cluster.members[0].url, *args],
                          capture_output=True, text=True, env=env, timeout=15, check=False)
    assert done.returncode == 0, done
    return done.stdout


def test_the_leader_key_deleted_by_hand_leads_to_one_leader_again(world):
    members = world.collective(2)
    for _ in range(5):
        since = world.etcd.revision()
        etcdctl(world, "del", "/confluent/leader")
        wait_until(world.leader_key, 5, "somebody to lead")
        world.settled(members)
        puts = [key for _, kind, key in world.leader_history(since + 1) if kind == "PUT"]
        assert len(puts) == 1
        assert puts[0].lease, "the key hangs on a lease"


def test_the_leader_key_overwritten_by_hand_is_put_right_by_who_leads(world):
    members = world.collective(2)
    since = world.etcd.revision()
    lease = world.leader_key().lease
    etcdctl(world, "put", "/confluent/leader", "nobody")
    wait_until(lambda: world.leader_key().value == "mgt1", 5, "the name to be put right")
    assert world.leader_key().lease == lease, "and the lease with it"
    holds_for(lambda: world.acting_leaders(members) in ([], ["mgt1"]), 1, "no second leader")
    wait_until(lambda: world.acting_leaders(members) == ["mgt1"], 5, "mgt1 to lead on")
    changes = [(kind, key.value) for _, kind, key in world.leader_history(since + 1)]
    assert changes[0] == ("PUT", "nobody")
    assert set(changes[1:]) == {("PUT", "mgt1")}, "the key was never gone"


def test_a_leader_key_put_by_hand_under_anothers_lease_is_removed(world):
    """mgt2 keeps that lease alive, so the key would stay for ever, and nobody would lead."""
    members = world.collective(2)
    lease = world.etcd.get(world.key("active/mgt2")).lease
    world.etcd.delete(world.key("leader"))
    since = world.etcd.put(world.key("leader"), "mgt1", lease=lease)

    def somebody_leads():
        key = world.leader_key()
        return key and key.lease == world.etcd.get(world.key(f"active/{key.value}")).lease
    wait_until(somebody_leads, 12, "a member to lead under its own lease")
    world.settled(members)
    assert world.leader_history(since + 1), "it was removed, or overwritten by a leader just elected"


def test_a_lease_revoked_by_hand_is_noticed_and_the_member_comes_back(world):
    members = world.collective(2)
    leader = world.settled(members)
    lease = world.leader_key().lease
    since = world.etcd.revision()
    etcdctl(world, "lease", "revoke", f"{lease:x}")
    wait_until(lambda: world.leader_key(), 5, "somebody to lead")
    world.settled(members)
    assert world.etcd.get(world.key(f"active/{leader.title}")).lease != lease
    puts = [key.value for _, kind, key in world.leader_history(since + 1) if kind == "PUT"]
    assert len(puts) == 1


def test_a_followers_active_key_deleted_by_hand_comes_back(world):
    members = world.collective(2)
    etcdctl(world, "del", "/confluent/active/mgt2")
    wait_until(lambda: world.etcd.get(world.key("active/mgt2")), 10, "the key to be back")
    world.settled(members)


def test_nonsense_under_the_prefix_wedges_nobody(world):
    members = world.collective(2)
    nonsense = {
        "members/": "x", "members/evil": "not json", "members/evil2": "{}",
        "members/a b": '{"name":"a b"}', "members/" + "x" * 400: "x", "members/mgt2/x": "1",
        "active/evil": "x", "active/mgt9": '{"address":1}', "active/": "", "pulse": "\0\1",
        "history/": "", "unknown/thing": "x" * 10000, "leader/x": "y", "": "root",
        "members/\u202e": '{"name":"\u202e"}',
    }
    for rest, value in nonsense.items():
        world.etcd.put(world.key(rest), value)
    world.settled(members)
    for member in members:
        facts = member.raw_show()
        assert sorted([facts["leader"], *facts["active"]]) == ["mgt1", "mgt2"]
        assert facts["offline"] == []
    members[1].restart()
    wait_until(members[1].is_active, 10, "a restarted member to be active despite the nonsense")
    assert len(members[1].text) < 200_000, "it is logged once, not again and again"


def test_a_record_that_no_member_wrote_is_no_member(world):
    members = world.collective(2)
    record = world.etcd.get(world.key("members/mgt2")).value
    world.etcd.put(world.key("members/mgt7"), record.replace("mgt2", "mgt7"))
    holds_for(lambda: "mgt7" not in members[0].collective("show").out, 2, "mgt7 is not shown")
    assert "mgt7" in members[0].text, "it is reported"


def test_an_active_key_without_a_lease_makes_nobody_active(world):
    members = world.collective(2)
    members[1].kill()
    wait_until(lambda: members[0].raw_show()["offline"] == ["mgt2"], 10, "mgt2 to be offline")
    world.etcd.put(world.key("active/mgt2"), "{}")
    holds_for(lambda: members[0].raw_show()["offline"] == ["mgt2"], 2, "mgt2 stays offline")
    world.etcd.delete(world.key("active/mgt2"))
    members[1].start()
    world.settled(members)


def test_the_key_space_is_what_the_documents_say(world):
    members = world.collective(2)
    keys = {k.key: k for k in world.etcd.list("/confluent/")}
    for name in ("mgt1", "mgt2"):
        assert f"/confluent/members/{name}" in keys
        assert keys[f"/confluent/members/{name}"].lease == 0
        assert keys[f"/confluent/active/{name}"].lease != 0
    leader = keys["/confluent/leader"]
    assert leader.value == "mgt1", "the name, nothing else"
    assert leader.lease == keys["/confluent/active/mgt1"].lease, "one lease a member"
    assert "/confluent/collective" in keys
    assert members


def test_a_prefix_of_ones_own_holds_everything(site):
    world = site(etcds=1, prefix="/site7/hpc/")
    first = world.agent("mgt1", start=False, name="mgt1")
    first.config["etcd"]["prefix"] = "/site7/hpc/"
    first.start()
    token = first.invite("mgt2")
    joiner = world.agent("mgt2")
    assert joiner.join(first, token).rc == 0
    world.settled([first, joiner])
    assert world.etcd.list("/confluent/") == []
    assert world.leader_key().value == "mgt1"
