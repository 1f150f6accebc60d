"""Who manages which nodes, who may, and nodes that a member takes for its own."""

import json
import threading

from harness.agent import run_command
from harness.wait import wait_until
from harness.wire import Session


def define(member, names, *attributes):
    rc, out, err = run_command("nodedefine", names, *attributes, socket=member.socket)
    assert rc == 0, (out, err)


def attribute(member, names, *attributes):
    rc, out, err = run_command("nodeattrib", names, *attributes, socket=member.socket)
    assert rc == 0, (out, err)
    return out


def manager(world, node):
    found = world.etcd.get(world.key(f"nodes/{node}/collective.manager"))
    return found.value if found else None


def frames(agent, **message):
    """All objects of an answer, the last one included."""
    with Session(agent.socket, 30) as session:
        session.send({"collective": message})
        found = []
        while True:
            frame = session.receive()["collective"]
            found.append(frame)
            if "end" in frame or "error" in frame:
                return found


def test_a_node_without_a_manager_is_claimed(pair):
    world, (one, _) = pair
    define(one, "free1-free3")
    answer = one.collective("claim", "free1-free3")
    assert (answer.rc, answer.err) == (0, ""), answer
    assert answer.out == "free1: claimed by mgt1\nfree2: claimed by mgt1\nfree3: claimed by mgt1\n"
    assert [manager(world, f"free{i}") for i in (1, 2, 3)] == ["mgt1"] * 3
    revision = world.etcd.revision()
    answer = one.collective("claim", "free1-free3")
    assert answer.rc == 0 and "free2: managed by mgt1 already\n" in answer.out, answer
    assert manager(world, "free1") == "mgt1"
    assert world.etcd.get(world.key("nodes/free1/collective.manager")).mod_revision <= revision


def test_a_node_of_another_member_is_left_alone(pair):
    world, (one, two) = pair
    define(one, "taken1", "collective.manager=mgt2")
    define(one, "taken2")
    answer = one.collective("claim", "taken1,taken2")
    assert answer.rc == 1, answer
    assert answer.out == "taken2: claimed by mgt1\n"
    assert answer.err == "taken1: managed by mgt2\n"
    assert manager(world, "taken1") == "mgt2"
    answer = two.collective("claim", "taken1", "--json")
    assert answer.rc == 0, answer
    facts = json.loads(answer.out)
    assert facts["claims"] == [{"node": "taken1", "result": "own", "manager": "mgt2"}]
    assert (facts["claimed"], facts["own"], facts["member"]) == (0, 1, "mgt2")


def test_a_member_that_is_no_candidate_is_refused(pair):
    world, (one, two) = pair
    define(one, "chosen1", "collective.managercandidates=mgt2,mgt9")
    answer = one.collective("claim", "chosen1")
    assert (answer.rc, answer.out) == (1, ""), answer
    assert answer.err == "chosen1: mgt1 is not among its candidates (mgt2,mgt9)\n"
    assert manager(world, "chosen1") is None
    wait_until(lambda: two.collective("nodes", "--unmanaged").out.count("chosen1"), 5,
               "the other to see the node")
    assert two.collective("claim", "chosen1").out == "chosen1: claimed by mgt2\n"


def test_what_cannot_be_claimed_as_a_whole_says_why(pair):
    _, (one, _) = pair
    for noderange, part in (("nosuch1", "Target not found - Invalid Noderange: "),
                            ("n[1", "Invalid Noderange: ")):
        answer = one.collective("claim", noderange)
        assert answer.rc == 1 and part in answer.err, answer
    assert "'noderange' is missing" in frames(one, operation="claim")[-1]["error"]


def test_two_members_that_claim_at_once_share_the_nodes(pair):
    world, (one, two) = pair
    define(one, "race1-race200")
    wait_until(lambda: two.collective("nodes", "--unmanaged").out.count("race") == 200, 10,
               "the other to see the nodes")
    answers = {}

    def claim(member):
        rows = []
        for frame in frames(member, operation="claim", noderange="race1-race200"):
            assert "error" not in frame, frame
            rows += frame.get("claims", [])
        answers[member.title] = rows
    threads = [threading.Thread(target=claim, args=(m,)) for m in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {f"race{i}" for i in range(1, 201)}
    got = {}
    for title, rows in answers.items():
        assert {r["node"] for r in rows} == names and len(rows) == 200
        got[title] = {r["node"] for r in rows if r["result"] == "claimed"}
        for row in rows:
            assert row["result"] in ("claimed", "other"), row
            if row["result"] == "other":
                assert row["manager"] != title, row
    assert not got["mgt1"] & got["mgt2"]
    assert got["mgt1"] | got["mgt2"] == names
    keys = {k.key.split("/")[-2]: k for k in world.etcd.list(world.key("nodes/race"))
            if k.key.endswith("/collective.manager")}
    assert set(keys) == names
    for node, key in keys.items():
        assert key.value == ("mgt1" if node in got["mgt1"] else "mgt2")
        assert key.mod_revision == key.create_revision, key


def test_nodes_tells_who_manages_what(pair):
    world, (one, two) = pair
    define(one, "who1-who3", "collective.manager=mgt2")
    define(one, "who4", "collective.manager=stranger")
    define(one, "who5")
    wait_until(lambda: "who5" in two.collective("nodes", "--unmanaged").out, 5, "it to be seen")
    for member in (one, two):
        listed = member.collective("nodes")
        assert (listed.rc, listed.err) == (0, ""), listed
        assert "stranger (no member): who4 (1 node)\n" in listed.out
        assert listed.out.splitlines()[-1].startswith("nobody: ")
        rows = {r["name"]: r for r in json.loads(member.collective("nodes", "--json").out)["managers"]}
        assert rows["mgt2"]["state"] == "online" and rows["mgt2"]["draining"] is False
        assert rows["stranger"]["state"] == "unknown" and rows[""]["state"] == "nobody"
        unset = member.collective("nodes", "")
        assert (unset.rc, unset.out) == (2, "") and "--unmanaged" in unset.err, unset
        named = member.collective("nodes", "mgt2")
        assert named.rc == 0 and "\nwho1\nwho2\nwho3\n" in "\n" + named.out, named
        assert rows["mgt2"]["nodes"] == len(named.out.splitlines())
        assert json.loads(member.collective("nodes", "stranger", "--json").out)["nodes"] == ["who4"]
        assert sum(r["nodes"] for r in rows.values()) == len(
            run_command("nodelist", socket=member.socket)[1].splitlines())
    answer = one.collective("nodes", "nosuch")
    assert answer.rc == 1 and "nosuch is no member" in answer.err, answer


def test_candidates_are_told_for_each_node(pair):
    _, (one, _) = pair
    define(one, "may1", "collective.managercandidates=mgt2,mgt1")
    define(one, "may2", "collective.managercandidates=mgt9,mgt2")
    define(one, "may3")
    define(one, "may4", "collective.managercandidates=mgt[1:")
    define(one, "may5", "collective.managercandidates=may1-may2")
    answer = one.collective("candidates", "may1-may5")
    assert answer.rc == 1, answer
    assert answer.out == "may1: mgt1,mgt2\nmay2: mgt2\nmay3:\nmay5:\n"
    assert "may2: not in the collective: mgt9\n" in answer.err
    assert "may4: " in answer.err
    assert "may3" not in answer.err and "may5: no member is among may1-may2\n" in answer.err
    rows = {r["node"]: r for r in json.loads(
        one.collective("candidates", "may1-may4", "--json").out)["candidates"]}
    assert rows["may1"]["candidates"] == rows["may1"]["available"] == ["mgt1", "mgt2"]
    assert rows["may1"]["text"] == "mgt2,mgt1" and rows["may1"]["manager"] == ""
    assert rows["may2"]["unknown"] == "mgt9"
    assert rows["may3"]["candidates"] is None and rows["may4"]["candidates"] is None
    assert "error" in rows["may4"]
    answer = one.collective("candidates", "nosuch1")
    assert answer.rc == 1 and "Target not found - Invalid Noderange" in answer.err, answer


def test_a_manager_that_is_inherited_counts(pair):
    _, (one, _) = pair
    rc, out, err = run_command("nodegroupdefine", "rackm", "collective.manager=mgt2",
                               "collective.managercandidates=mgt1,mgt2", socket=one.socket)
    assert rc == 0, (out, err)
    define(one, "inh1", "groups=rackm")
    answer = one.collective("claim", "inh1")
    assert (answer.rc, answer.err) == (1, "inh1: managed by mgt2\n"), answer
    assert one.collective("candidates", "inh1").out == "inh1: mgt1,mgt2\n"


def test_many_nodes_are_told_in_frames(pair):
    _, (one, _) = pair
    define(one, "lot1-lot1200")
    found = frames(one, operation="claim", noderange="lot1-lot1200")
    assert [r["node"] for f in found for r in f.get("claims", [])] == [
        f"lot{i}" for i in range(1, 1201)]
    assert all(len(f.get("claims", [])) <= 500 for f in found) and len(found) >= 4
    found = frames(one, operation="nodes", member="mgt1")
    assert len([n for f in found for n in f.get("nodes", []) if n.startswith("lot")]) == 1200
    rc, out, err = run_command("noderemove", "lot1-lot1200", socket=one.socket)
    assert rc == 0, (out, err)


def test_without_quorum_a_claim_is_refused_at_once_and_lists_go_on(world):
    (one,) = world.collective(1)
    define(one, "n1-n2")
    one.collective("claim", "n1")
    one.network("blackhole")
    wait_until(lambda: not one.raw_show()["quorum"], 15, "quorum to be lost")
    answer = one.collective("claim", "n2")
    assert answer.rc == 1 and answer.err == "Collective does not have quorum\n", answer
    assert answer.seconds < 2
    listed = one.collective("nodes", "mgt1")
    assert (listed.rc, listed.out) == (0, "n1\n") and "Showing what was known" in listed.err
    one.network("pass")
    wait_until(one.is_active, 15, "it to be back")
    assert one.collective("claim", "n2").rc == 0
