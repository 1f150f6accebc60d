"""The commands for nodes and groups on a collective of two, as the manual shows them."""

import json
import re

import pytest

from harness.agent import run_command
from harness.wait import wait_until
from harness.world import World


@pytest.fixture(scope="module")
def pair_world():
    made = World()
    yield made
    found = made.shut_down()
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def pair(pair_world):
    return pair_world.collective(2)


class Shell:
    """Commands on one member; each must end as it is told to, without a word on standard error."""

    def __init__(self, member):
        self.member = member

    def __call__(self, line, out="", rc=0, err="", env=None, stdin=""):
        words = line.split()
        got = run_command(words[0], *words[1:], socket=self.member.socket, stdin=stdin, env=env)
        self.member.world.note(f"{self.member.title}# {line} -> {got}")
        assert got == (rc, out, err), line

    def lines(self, line):
        words = line.split()
        rc, out, err = run_command(words[0], *words[1:], socket=self.member.socket)
        assert (rc, err) == (0, ""), (line, out, err)
        return out.splitlines()


@pytest.fixture
def mgt1(pair):
    return Shell(pair[0])


@pytest.fixture
def mgt2(pair):
    return Shell(pair[1])


@pytest.fixture
def clean(pair):
    """No nodes and groups but `everything`, before and after."""
    sh = Shell(pair[0])
    yield sh
    nodes = sh.lines("nodelist")
    if nodes:
        sh.lines("noderemove " + ",".join(nodes))
    groups = [g for g in sh.lines("nodegrouplist") if g != "everything"]
    if groups:
        sh.lines("nodegroupremove " + ",".join(groups))


def test_the_main_job(clean, mgt1, mgt2, pair_world):
    """The session that the commands are for, word for word."""
    mgt1("nodegroupdefine rack1,compute", "rack1: created\ncompute: created\n")
    mgt1("nodedefine n1-n4 groups=rack1,compute",
         "n1: created\nn2: created\nn3: created\nn4: created\n")
    mgt1("nodegroupattrib rack1 collective.manager=mgt1")
    mgt1("nodeattrib n1 collective.manager=mgt2", "n1: mgt2\n")
    mgt1("nodeattrib n1-n2 collective.manager -b",
         "n1: collective.manager: mgt2\n"
         "n2: collective.manager: mgt1 (inherited from group rack1)\n")
    mgt1("nodelist rack1,-n2", "n1\nn3\nn4\n")
    mgt1("nodelist collective.manager=mgt1", "n2\nn3\nn4\n")
    mgt1("nodegrouplist", "compute\neverything\nrack1\n")
    mgt1("nodeattrib compute hardwaremanagement.manager={node}-bmc",
         "n1: n1-bmc\nn2: n2-bmc\nn3: n3-bmc\nn4: n4-bmc\n")
    mgt1("nodeattrib n1 hardwaremanagement.manager -b",
         'n1: hardwaremanagement.manager: n1-bmc (derived from expression "{node}-bmc")\n')
    mgt1("nodeattrib n1 -c collective.manager", err=(
        'Warning: The attribute "collective.manager" was defined specifically for the node and '
        'clearing now has a value inherited from the group "rack1"\n'))
    mgt1("nodeattrib n1 collective.manager", "n1: collective.manager: mgt1\n")
    keys = {kv.key[len(pair_world.key("nodes/n1/")):]: kv.value
            for kv in pair_world.etcd.list(pair_world.key("nodes/n1/"))}
    assert keys.pop("id.index").isdigit()
    assert keys == {"groups": "rack1,compute", "hardwaremanagement.manager": "{node}-bmc"}
    pair_world.etcd.put(pair_world.key("nodes/n1/collective.manager"), "mgt3")
    for sh in (mgt1, mgt2):
        wait_until(lambda sh=sh: sh.lines("nodeattrib n1 collective.manager") ==
                   ["n1: collective.manager: mgt3"], 10, "what was put by hand to be seen")


def test_what_one_member_wrote_another_shows(clean, mgt1, mgt2):
    mgt2("nodedefine n1-n3 location.rack=7 location.u={n1}",
         "n1: created\nn2: created\nn3: created\n")
    wait_until(lambda: mgt1.lines("nodelist") == ["n1", "n2", "n3"], 10, "mgt1 to know the nodes")
    mgt1("nodeattrib n2 location -b",
         "n2: location.height:\nn2: location.rack: 7\nn2: location.room:\nn2: location.row:\n"
         'n2: location.u: 2 (derived from expression "{n1}")\n')
    mgt1("nodeattrib n1-n3 location.u=5 location.rack=",
         "n1: 5\nn2: 5\nn3: 5\nn1: \nn2: \nn3: \n")
    mgt1("nodelist n1-n3 location.u location.rack",
         "".join(f"n{i}: location.rack:\nn{i}: location.u: 5\n" for i in (1, 2, 3)))


def test_groups_are_added_and_taken_away(clean, mgt1):
    mgt1("nodegroupdefine rack1,rack2", "rack1: created\nrack2: created\n")
    mgt1("nodedefine n1", "n1: created\n")
    mgt1("nodeattrib n1 groups,=rack1", "n1: ['rack1', 'everything']\n")
    mgt1("nodeattrib n1 groups,=rack2", "n1: ['rack2', 'rack1', 'everything']\n")
    mgt1("nodegroupattrib rack1 nodes", "rack1: nodes: n1\n")
    mgt1("nodeattrib n1 groups^=rack1 groups-=rack2",
         "n1: ['rack2', 'everything']\nn1: ['everything']\n")
    mgt1("nodegroupattrib rack2 nodes,=n1")
    mgt1("nodeattrib n1 groups", "n1: groups: rack2,everything\n")
    mgt1("nodegrouprename rack2 r2", "rack2: r2\n")
    mgt1("nodeattrib n1 groups", "n1: groups: r2,everything\n")
    mgt1("nodegroupremove r2", "r2: deleted\n")
    mgt1("nodeattrib n1 groups", "n1: groups: everything\n")


def test_what_is_refused_changes_nothing(clean, mgt1, pair_world):
    mgt1("nodedefine n1-n2", "n1: created\nn2: created\n")
    before = [(kv.key, kv.value) for kv in pair_world.etcd.list(pair_world.key("nodes/"))]
    mgt1("nodeattrib n1-n2 location.u=5 nosuch=1", rc=144,
         err="Error: Bad Request - nosuch attribute on node n1 is invalid\n")
    mgt1("nodeattrib n1-n2 location.u=5 console.method=telnet", rc=144,
         err="Error: Bad Request - Attribute console.method does not accept value telnet (valid "
             "values would be ssh,ipmi,openbmc,tsmsol,vcenter,proxmox)\n")
    mgt1("nodeattrib n1 groups=nogrp", rc=144, err="Error: Bad Request - group nogrp does not "
                                                   "exist\n")
    mgt1("nodedefine n3 nosuch=1", rc=1,
         err="Bad Request - nosuch attribute on node n3 is invalid\n")
    assert before == [(kv.key, kv.value)
                      for kv in pair_world.etcd.list(pair_world.key("nodes/"))]


def test_secrets_are_never_shown_but_to_root_on_request(clean, mgt1, pair):
    mgt1("nodedefine n1", "n1: created\n")
    mgt1("nodeattrib n1 secret.hardwaremanagementpassword=hunter2", "n1: ********\n")
    mgt1("nodeattrib n1 bmcpass", "n1: secret.hardwaremanagementpassword: ********\n")
    mgt1("nodeattrib n1 -e secret.snmpcommunity", "n1: ********\n",
         env={"SECRET_SNMPCOMMUNITY": "public2"})
    got = pair[0].collective("secret", "get", "n1", "secret.snmpcommunity")
    assert (got.rc, got.out, got.err) == (0, "public2\n", "")


def test_nodes_are_renamed_and_removed(clean, mgt1):
    mgt1("nodedefine n1-n3 info.note=x", "n1: created\nn2: created\nn3: created\n")
    mgt1("noderename n1-n3 m{n1}", "n1: m1\nn2: m2\nn3: m3\n")
    mgt1("nodeattrib m1 info.note", "m1: info.note: x\n")
    mgt1("noderemove -m 1 m1-m2", "Command is about to affect 2 nodes, continue (y/n)? ", rc=1,
         err="Aborting at user request\n", stdin="n\n")
    mgt1("noderemove m1-m2", "m1: deleted\nm2: deleted\n")
    mgt1("nodelist", "m3\n")


def test_json_holds_the_same_facts(clean, mgt1):
    def asked(line):
        return json.loads("\n".join(mgt1.lines(line)))

    assert asked("nodegroupdefine --json rack1") == {"created": ["rack1"]}
    assert asked("nodegroupattrib --json rack1 location.rack=7") == {
        "changed": [{"group": "rack1", "attribute": "location.rack", "value": "7"}]}
    assert asked("nodedefine --json n1-n2 groups=rack1") == {"created": ["n1", "n2"]}
    assert asked("nodelist --json rack1") == {"nodes": ["n1", "n2"]}
    assert asked("nodegrouplist --json") == {"groups": ["everything", "rack1"]}
    assert asked("nodeattrib --json n1 location.u={n1}") == {
        "changed": [{"node": "n1", "attribute": "location.u", "value": "1",
                     "expression": "{n1}"}]}
    facts = asked("nodeattrib --json n1-n2")
    assert all(isinstance(node.pop("id.index")["value"], int) for node in facts["nodes"].values())
    assert facts == {"nodes": {
        "n1": {"groups": ["rack1", "everything"],
               "location.rack": {"value": "7", "inheritedfrom": "rack1"},
               "location.u": {"value": "1", "expression": "{n1}"}},
        "n2": {"groups": ["rack1", "everything"],
               "location.rack": {"value": "7", "inheritedfrom": "rack1"}}}}
    assert asked("nodegroupattrib --json rack1") == {"groups": {
        "rack1": {"location.rack": {"value": "7"}, "nodes": ["n1", "n2"]}}}
    assert asked("noderename --json n1 m1") == {"renamed": {"n1": "m1"}}
    assert asked("noderemove --json m1,n2") == {"deleted": ["m1", "n2"]}


def test_without_quorum_reading_goes_on_and_writing_fails(clean, mgt2, pair):
    cut_off = pair[1]
    mgt2("nodedefine n1 location.u=3", "n1: created\n")
    try:
        cut_off.network("blackhole")
        wait_until(lambda: not cut_off.raw_show()["quorum"], 20, "mgt2 to lose its quorum")
        mgt2("nodeattrib n1 location.u=4", rc=244,
             err="Error: Collective does not have quorum\n")
        mgt2("nodedefine n2", rc=1, err="Collective does not have quorum\n")
        rc, out, err = run_command("nodeattrib", "n1", "location.u", socket=cut_off.socket)
        assert (rc, out) == (0, "n1: location.u: 3\n")
        assert re.fullmatch(r"Showing what was known \S+ ago \(revision \d+\); collective show "
                            r"tells more\n", err), err
        rc, out, err = run_command("nodelist", socket=cut_off.socket)
        assert (rc, out) == (0, "n1\n")
    finally:
        cut_off.network("pass")
        wait_until(lambda: cut_off.raw_show()["quorum"], 20, "mgt2 to have quorum again")
    wait_until(lambda: mgt2.lines("nodeattrib n1 location.u") == ["n1: location.u: 3"], 10,
               "mgt2 to be current")


def test_a_pattern_finds_names_that_only_some_nodes_have(clean, mgt1):
    mgt1("nodedefine n1-n2", "n1: created\nn2: created\n")
    mgt1("nodeattrib n1 custom.Owner=me net.eth0.switch=s1", "n1: me\nn1: s1\n")
    mgt1("nodeattrib n1-n2 custom.owner", "n1: custom.Owner: me\n", rc=1,
         err="Error: custom.owner matches no valid value for n2\n")
    mgt1("nodeattrib n1-n2 net.*switch",
         "n1: net.eth0.switch: s1\nn1: net.switch:\nn2: net.switch:\n")
    mgt1("nodeattrib n1-n2 no.such", rc=1, err="Error: no.such not a valid attribute\n")
    mgt1("nodeattrib n1,nosuch", rc=1, out="",
         err="Target not found - Invalid Noderange: nosuch not a recognized node, group, or alias "
             "(at character 4)\n")
