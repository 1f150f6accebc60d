"""The copy of the database: in memory, on disk, across restarts, and without etcd."""

import os
import resource
import shutil

from harness.wait import holds_for, wait_until

NODES = 200
MANY = 2000
PASSWORD = "secret.hardwaremanagementpassword"


def database(member):
    return member.raw_show(True)["database"]


def fill(world, nodes=NODES):
    """Nodes with two keys each, as an etcd administrator would put them; the revision they lead to."""
    for n in range(nodes):
        world.etcd.put(world.key(f"nodes/n{n}/groups"), "compute")
    for n in range(nodes):
        revision = world.etcd.put(world.key(f"nodes/n{n}/location.rack"), f"r{n % 10}")
    return revision


def at(member, revision, deadline=10):
    """Waits until the member has applied that revision; what it says of its database then."""
    def reached():
        facts = database(member)
        return int(facts["revision"]) >= revision and facts
    return wait_until(reached, deadline, f"{member.title} to be at revision {revision}")


def stored(member, revision, deadline=10):
    """Waits until the copy on its disk is at that revision."""
    wait_until(lambda: int(database(member)["copy_revision"]) >= revision, deadline,
               f"the copy of {member.title} to be at revision {revision}")


def copy_of(member):
    return os.path.join(member.state_dir, "copy", "db")


def keys_in_etcd(world):
    return len(world.etcd.list(world.key("nodes/"))) + len(world.etcd.list(world.key("groups/")))


def test_a_restart_loads_the_copy_and_asks_only_for_the_difference(world):
    (mgt1,) = world.collective(1)
    revision = fill(world)
    assert at(mgt1, revision)["keys"] == 2 * NODES
    stored(mgt1, revision)
    assert oct(os.stat(copy_of(mgt1)).st_mode & 0o777) == "0o600"
    assert os.listdir(os.path.dirname(copy_of(mgt1))) == ["db"]
    mgt1.kill()
    world.etcd.delete(world.key("nodes/n7/location.rack"))
    world.etcd.put(world.key("nodes/n8/location.rack"), "elsewhere")
    revision = world.etcd.put(world.key("nodes/n9/location.room"), "cellar")
    mgt1.start()
    facts = at(mgt1, revision)
    assert facts["keys"] == keys_in_etcd(world) == 2 * NODES
    assert facts["loaded"] >= 2 * NODES
    assert facts["listed"] == 0
    assert facts["changes"] < 20, "no more than the difference was sent"
    wait_until(mgt1.is_active, 10, "it to be active again")
    counters = mgt1.raw_show(True)["counters"]
    assert counters["listings"] == 0 and counters["resumptions"] >= 1, counters
    wait_until(lambda: database(mgt1)["age"] == 0, 5, "it to be current")


def racks(world, value):
    """Ten thousand changes; those of location.rack come last."""
    names = ("location.room", "location.row", "location.u", "location.height", "location.rack")
    return world.etcd.put_all([(world.key(f"nodes/n{n}/{name}"), value)
                               for name in names for n in range(MANY)])


def read(member, path):
    """What is there as one object, and whether it may be old."""
    found = {}
    with member.session(timeout=30) as session:
        session.send({"operation": "retrieve", "path": path})
        while "_requestdone" not in (frame := session.receive()):
            found.update(frame)
    return found, "stale" in frame


def test_a_restarted_agent_is_not_current_before_it_has_what_came_since(site, etcd_of_kind):
    world = site(etcds=1, binary=etcd_of_kind)
    mgt1, mgt2 = world.collective(2)
    world.etcd.put_all([(world.key(f"nodes/n{n}/groups"), "") for n in range(MANY)])
    stored(mgt2, racks(world, "old"), 20)
    with mgt1.session() as session:
        session.ask("update", "/nodes/n1/attributes/all", {PASSWORD: "old"})
    assert mgt2.term() == 0
    racks(world, "new")
    with mgt1.session() as session:
        session.ask("update", "/nodes/n1/attributes/all", {PASSWORD: "new"})
    world.etcd.put("/elsewhere", "others use this etcd, too")
    for proxy in mgt2.proxies:
        proxy.slow_after(128 << 10, 0.05)
    mgt2.start()
    with mgt2.session(timeout=30) as session, mgt2.session(timeout=30) as other:
        # asked for before the answers are looked at: they have to wait for the copy
        session.send({"operation": "update", "path": f"/nodes/n{MANY - 1}/attributes/all",
                      "parameters": {"location.rack": "old"}})
        other.send({"collective": {"operation": "secret", "node": "n1", "attribute": PASSWORD}})
        backup = mgt2.collective("dump", "--redact", os.path.join(world.folder, "backup"))
        found, stale = read(mgt2, "/nodes/n0/attributes/current")
        assert stale or found["location.rack"]["value"] == "new", found
        answer = other.receive()["collective"]
        assert answer.get("stale") or answer["value"] == "new", answer
        assert not any("errorcode" in frame for frame in session.answer())
    assert backup.rc == 0, backup
    key = world.etcd.get(world.key(f"nodes/n{MANY - 1}/location.rack"))
    assert key.value == "old", "it was not taken for already set"
    found, stale = read(mgt2, f"/nodes/n{MANY - 1}/attributes/current")
    assert stale or found["location.rack"]["value"] == "old"
    wait_until(lambda: database(mgt2)["age"] == 0, 10, "it to be current")
    assert mgt2.raw_show(True)["counters"]["listings"] == 0, "the copy was gone on from"


def test_a_write_after_a_cut_waits_for_what_came_meanwhile(world):
    _, mgt2 = world.collective(2)
    world.etcd.put_all([(world.key(f"nodes/n{n}/groups"), "") for n in range(MANY)])
    at(mgt2, racks(world, "old"), 20)
    for proxy in mgt2.proxies:
        proxy.slow_after(128 << 10, 0.05)
    mgt2.network("refuse")
    racks(world, "new")
    mgt2.network("pass")

    def written():
        with mgt2.session(timeout=30) as session:
            frames = session.ask("update", f"/nodes/n{MANY - 1}/attributes/all",
                                 {"location.rack": "old"})
        return not any("errorcode" in frame for frame in frames)
    wait_until(written, 20, "quorum, and what was asked for")
    key = world.etcd.get(world.key(f"nodes/n{MANY - 1}/location.rack"))
    assert key.value == "old", "it was not taken for already set"
    assert mgt2.raw_show(True)["counters"]["listings"] <= 1


def test_the_end_of_an_agent_leaves_the_copy_at_what_it_knew_last(world):
    (mgt1,) = world.collective(1)
    revision = world.etcd.put(world.key("nodes/n1/groups"), "")
    at(mgt1, revision)
    assert mgt1.term() == 0
    mgt1.network("refuse")
    mgt1.start()
    facts = wait_until(lambda: database(mgt1)["keys"] and database(mgt1), 5, "the copy")
    assert int(facts["revision"]) >= revision
    mgt1.network("pass")


def test_without_etcd_the_copy_is_readable_and_says_how_old_it_is(world):
    (mgt1,) = world.collective(1)
    revision = fill(world, 20)
    stored(mgt1, revision)
    mgt1.kill()
    mgt1.network("blackhole")
    mgt1.start()
    facts = wait_until(lambda: database(mgt1)["keys"] and database(mgt1), 5, "the copy")
    assert facts["keys"] == 40 and int(facts["revision"]) >= revision
    assert facts["age"] > 0
    shown = mgt1.raw_show()
    assert not shown["quorum"] and shown["active"] == [], "an old registry counts for nothing"
    older = wait_until(lambda: database(mgt1)["age"] >= facts["age"] + 2 and database(mgt1), 10,
                       "it to grow older")
    assert older["keys"] == 40
    assert world.leader_key() is None or not mgt1.raw_show()["leader"]
    mgt1.network("pass")
    wait_until(lambda: database(mgt1)["age"] == 0, 20, "it to be current")
    wait_until(mgt1.is_active, 20, "it to be active")


def test_what_was_compacted_meanwhile_is_listed(world):
    (mgt1,) = world.collective(1)
    revision = fill(world, 20)
    stored(mgt1, revision)
    mgt1.kill()
    for n in range(10):
        world.etcd.delete(world.key(f"nodes/n{n}/location.rack"))
    world.etcd.put(world.key("nodes/new/groups"), "")
    world.etcd.compact(world.etcd.revision())
    mgt1.start()
    facts = at(mgt1, world.etcd.revision())
    assert facts["loaded"] >= 40
    wait_until(lambda: database(mgt1)["keys"] == keys_in_etcd(world) == 31, 10, "the difference")
    assert mgt1.raw_show(True)["counters"]["listings"] == 1
    stored(mgt1, int(facts["revision"]))
    mgt1.restart()
    assert wait_until(lambda: database(mgt1)["loaded"], 5, "the new copy") >= 31


def test_a_damaged_copy_is_reported_and_made_anew(world):
    (mgt1,) = world.collective(1)
    revision = fill(world, 50)

    def flip(path):
        with open(path, "r+b") as f:
            data = f.read()
            f.seek(0)
            f.write(data.replace(b"location.rack", b"locatiom.rack"))

    def cut(path):
        os.truncate(path, os.path.getsize(path) // 2)

    def garbage(path):
        with open(path, "wb") as f:
            f.write(b"this is no database" * 1000)

    for n, damage in enumerate((flip, cut, garbage, lambda path: os.truncate(path, 0))):
        stored(mgt1, revision, 15)
        mgt1.kill()
        damage(copy_of(mgt1))
        mgt1.start()
        facts = at(mgt1, revision)
        assert facts["loaded"] == 0 and facts["keys"] == 100, f"damage {n}: {facts}"
        assert mgt1.process.text.count("is not used, everything is listed") == 1
        wait_until(mgt1.is_active, 10, "it to be active")


def test_a_copy_of_another_etcd_stays_readable_and_is_not_mixed_with_it(world):
    (mgt1,) = world.collective(1)
    revision = fill(world, 20)
    stored(mgt1, revision)
    mgt1.kill()
    etcd = world.cluster.members[0]
    etcd.kill()
    etcd.wipe()
    world.cluster.token = "another-cluster"
    etcd.start()
    world.cluster.wait_healthy()
    world.etcd.put(world.key("nodes/foreign/groups"), "")
    mgt1.start()
    wait_until(lambda: "cluster" in mgt1.process.text, 15, "the other cluster to be reported")
    wait_until(lambda: database(mgt1)["keys"] == 40, 5, "the copy")
    holds_for(lambda: database(mgt1)["keys"] == 40, 2, "the copy is what it was")
    facts = database(mgt1)
    assert int(facts["revision"]) >= revision and facts["age"] > 0


def test_a_store_that_went_back_while_the_agent_was_down_is_not_followed(world):
    (mgt1,) = world.collective(1)
    etcd = world.cluster.members[0]
    etcd.term()
    older = os.path.join(world.folder, "older")
    shutil.copytree(etcd.data, older)
    etcd.start()
    world.cluster.wait_healthy()
    wait_until(mgt1.is_active, 20, "mgt1 to be active")
    revision = fill(world, 20)
    stored(mgt1, revision)
    mgt1.kill()
    etcd.term()
    etcd.wipe()
    shutil.copytree(older, etcd.data)
    etcd.start()
    world.cluster.wait_healthy()
    mgt1.start()
    wait_until(lambda: mgt1.raw_show()["state"] == "held", 20, "it to be held")
    facts = database(mgt1)
    assert facts["keys"] == 40 and int(facts["revision"]) >= revision and facts["age"] > 0
    mgt1.restart()
    wait_until(lambda: database(mgt1)["keys"] == 40, 5, "the copy after a restart on hold")
    assert mgt1.collective("adopt").rc == 0
    wait_until(lambda: database(mgt1)["age"] == 0 and database(mgt1)["keys"] == 0, 20,
               "etcd to be followed as it is now")


def test_a_store_that_went_back_and_on_again_is_listed(world):
    (mgt1,) = world.collective(1)
    wait_until(lambda: world.etcd.get(world.key("pulse")), 20, "a pulse")
    etcd = world.cluster.members[0]
    etcd.term()
    older = os.path.join(world.folder, "older")
    shutil.copytree(etcd.data, older)
    etcd.start()
    world.cluster.wait_healthy()
    wait_until(mgt1.is_active, 20, "mgt1 to be active")
    fill(world, 20)
    world.etcd.delete(world.key("pulse"))
    revision = world.etcd.put(world.key("pulse"), "")
    stored(mgt1, revision)
    mgt1.kill()
    etcd.term()
    etcd.wipe()
    shutil.copytree(older, etcd.data)
    etcd.start()
    world.cluster.wait_healthy()
    while world.etcd.put(world.key("nodes/other/groups"), "") < revision + 20:
        pass
    mgt1.start()
    wait_until(lambda: database(mgt1)["age"] == 0, 20, "it to be current")
    assert database(mgt1)["keys"] == 1, "nothing of what etcd has forgotten is left"


def test_a_removed_members_copy_stays_readable(world):
    mgt1, mgt2 = world.collective(2)
    revision = fill(world, 20)
    stored(mgt2, revision)
    mgt2.term()
    wait_until(lambda: mgt1.collective("delete", "mgt2").rc == 0, 15, "mgt2 to be removed", every=0.5)
    mgt2.start()
    wait_until(lambda: database(mgt2)["keys"] == 40, 5, "the copy after the restart")
    wait_until(lambda: mgt2.raw_show()["state"] == "removed", 15, "it to be told again")
    assert database(mgt2)["keys"] == 40


def test_a_full_disk_is_told_once_and_the_agent_goes_on(world):
    (mgt1,) = world.collective(1)
    revision = fill(world, 20)
    stored(mgt1, revision)
    size = os.path.getsize(copy_of(mgt1))
    pid = mgt1.process.popen.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    last = fill(world, 300)
    assert at(mgt1, last)["keys"] == 600
    facts = wait_until(lambda: database(mgt1)["copy_error"] and database(mgt1), 10, "the error")
    assert revision <= int(facts["copy_revision"]) < last
    assert f"revision {facts['copy_revision']}" in facts["copy_error"]
    assert mgt1.text.count("the copy on disk stays at revision") == 1
    assert mgt1.is_active()
    mgt1.kill()
    mgt1.start()
    facts = at(mgt1, last)
    assert facts["keys"] == 600 and 40 <= facts["loaded"] < 600 and facts["listed"] == 0
    stored(mgt1, last)


def test_keys_that_make_no_sense_are_counted_told_once_and_harmless(world):
    (mgt1,) = world.collective(1)
    foreign = ["nodes/", "nodes/x", "nodes//groups", "nodes/-bad/groups", "nodes/n1/no.such.thing",
               "nodes/n1/location.rack/more", "groups/g1/", "groups/\x01/noderange"]
    world.etcd.put(world.key("nodes/n1/groups"), "")
    for key in foreign:
        revision = world.etcd.put(world.key(key), "something")
    facts = at(mgt1, revision)
    assert facts["odd_keys"] == len(foreign), facts
    stored(mgt1, revision)
    told = mgt1.text.count("nodes/n1/no.such.thing")
    assert told == 1, "each is told once"
    mgt1.restart()
    facts = at(mgt1, revision)
    assert facts["odd_keys"] == len(foreign), "and known after a restart"
    for key in foreign:
        revision = world.etcd.put(world.key(key), "")
        world.etcd.delete(world.key(key))
    wait_until(lambda: database(mgt1)["odd_keys"] == 0, 10, "them to be gone")
    wait_until(mgt1.is_active, 10, "it to be active")


def test_a_change_of_everything_at_once_is_followed(world):
    (mgt1,) = world.collective(1)
    revision = fill(world)
    at(mgt1, revision)
    world.etcd.delete_prefix(world.key("nodes/"))
    wait_until(lambda: database(mgt1)["keys"] == 0, 10, "all nodes to be gone")
    assert mgt1.is_active()
