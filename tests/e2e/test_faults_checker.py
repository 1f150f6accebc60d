"""The judge of the fault scenarios (harness/checker.py) finds what is wrong in forged histories, and
nothing in a good one."""

import json

import pytest

from harness.checker import Checker, judge, plain_range
from harness.etcdclient import b64

PREFIX = "/confluent/"


class Forger:
    """Writes histories as etcd would tell them."""

    def __init__(self):
        self.revision = 0
        self.keys = {}
        self.changes = []
        self.begin(members=["mgt1", "mgt2", "mgt3"])

    def begin(self, members):
        for number, name in enumerate(members):
            self.at({f"members/{name}": "{}", f"active/{name}": ("{}", 100 + number)})
        self.at({"leader": ("mgt1", 100)})
        self.at({"groups/compute/noderange": "",
                 "groups/compute/collective.managercandidates": "mgt1,mgt2,mgt3"})
        for node in ("n1", "n2", "n3"):
            self.at({f"nodes/{node}/groups": "compute",
                     f"nodes/{node}/collective.manager": "mgt3"})
        self.begun = len(self.changes)

    def at(self, puts, deletes=()):
        """One transaction."""
        self.revision += 1
        for path, value in puts.items():
            text, lease = value if isinstance(value, tuple) else (value, 0)
            old = self.keys.get(path)
            made = old["create_revision"] if old else self.revision
            self.keys[path] = {"create_revision": made}
            self.changes.append((self.revision, "PUT", FakeKey(path, text, made, self.revision,
                                                               lease)))
        for path in deletes:
            self.keys.pop(path, None)
            self.changes.append((self.revision, "DELETE", FakeKey(path, "", 0, self.revision, 0)))
        return self.revision

    @property
    def fence(self):
        return self.keys["leader"]["create_revision"]

    def move(self, nodes, source="mgt3", target="mgt2", by="mgt1", fence=None, told=None,
             ticket="m0", kind="failover", extra=None, deletes=(), key=None):
        entry = {"kind": kind, "by": by, "actor": "leader",
                 "fence": self.fence if fence is None else fence,
                 "moves": told or [{"from": source, "to": target, "nodes": len(nodes)}]}
        puts = {f"nodes/{node}/collective.manager": target for node in nodes}
        puts[f"history/20261122T075036.123456Z-{key or self.revision}"] = json.dumps(entry)
        if ticket:
            puts[f"writes/{by}/{ticket}"] = "x"
        puts.update(extra or {})
        return self.at(puts, deletes)

    def report(self):
        checker = Checker(PREFIX, [key for _, _, key in self.changes[:self.begun]])
        return checker.feed(self.changes[self.begun:])

    def rules(self):
        return sorted({v.rule for v in self.report().violations})


class FakeKey:
    def __init__(self, path, value, made, changed, lease):
        self.key, self.value, self.lease = PREFIX + path, value, lease
        self.create_revision, self.mod_revision = made, changed


@pytest.fixture
def forged():
    return Forger()


def test_a_good_history_passes(forged):
    forged.at({}, deletes=["active/mgt3"])
    forged.move(["n1", "n2"])
    forged.move(["n3"], target="mgt1")
    forged.at({"pulse": "mgt1"})
    forged.at({}, deletes=["leader", "active/mgt1"])
    forged.at({"leader": ("mgt2", 101)})
    forged.move(["n3"], source="mgt1", target="mgt2", by="mgt2")
    report = forged.report()
    assert report.violations == [], str(report)
    assert [m.node for m in report.moves] == ["n1", "n2", "n3", "n3"]
    assert [r.name for r in report.reigns] == ["mgt1", "mgt2"]
    assert report.state.managers() == {"n1": "mgt2", "n2": "mgt2", "n3": "mgt2"}


def test_an_entry_that_is_written_again_tells_all_so_far(forged):
    forged.move(["n1", "n2"], key="a")
    forged.move(["n3"], key="a", target="mgt1", told=[
        {"from": "mgt3", "to": "mgt2", "nodes": 2}, {"from": "mgt3", "to": "mgt1", "nodes": 1}])
    report = forged.report()
    assert report.violations == [], str(report)
    forged.move(["n1"], key="a", source="mgt2", target="mgt1")
    assert forged.rules() == []
    forged.move(["n2"], key="a", source="mgt2", target="mgt1")
    assert forged.rules() == ["from"], "it tells what it told before, and nothing of this one"


def test_two_reasons_in_one_transaction_are_told_apart(forged):
    forged.at({"nodes/n1/collective.manager": "mgt2"})
    forged.at({"drains/mgt2": "{}"})
    drained = {"kind": "drain", "by": "mgt1", "fence": str(forged.fence),
               "moves": [{"from": "mgt2", "to": "mgt1", "nodes": 1}]}
    forged.move(["n2"], target="mgt1", extra={"nodes/n1/collective.manager": "mgt1",
                                              "history/20261122T075037.000000Z-x":
                                              json.dumps(drained)})
    report = forged.report()
    assert report.violations == [], str(report)
    assert {m.node: m.kind for m in report.moves} == {"n1": "drain", "n2": "failover"}


def test_a_manager_that_can_be_no_name_is_told_so(forged):
    forged.at({"nodes/n1/collective.manager": "not a name"})
    forged.move(["n1"], told=[{"from": "(no member)", "to": "mgt2", "nodes": 1}])
    assert forged.rules() == []


def test_administrators_may_do_what_they_like(forged):
    forged.at({"nodes/n1/collective.manager": "mgt9"})
    forged.at({"nodes/n1/collective.manager": "mgt2", "nodes/n2/collective.manager": "mgt2",
               "writes/mgt2/4": "x"})
    forged.at({}, deletes=["nodes/n3/collective.manager", "nodes/n3/groups"])
    report = forged.report()
    assert report.violations == [], str(report)
    assert len(report.others) == 4 and report.moves == []


def test_a_write_of_a_leader_that_was_is_found(forged):
    old = forged.fence
    forged.at({}, deletes=["leader"])
    forged.at({"leader": ("mgt2", 101)})
    forged.move(["n1"], fence=old)
    assert forged.rules() == ["fence"]


def test_a_write_while_nobody_leads_is_found(forged):
    old = forged.fence
    forged.at({}, deletes=["leader"])
    forged.move(["n1"], fence=old)
    assert forged.rules() == ["fence"]


def test_a_move_while_that_is_paused_is_found(forged):
    forged.at({"pause": "{}"})
    forged.move(["n1"])
    assert forged.rules() == ["order"]


def test_a_move_to_a_drained_member_is_found(forged):
    forged.at({"drains/mgt2": "{}"})
    forged.move(["n1"])
    assert forged.rules() == ["order"]


def test_a_drain_that_nobody_ordered_is_found(forged):
    forged.at({"drains/mgt3": "{}"})
    forged.move(["n1"], kind="drain")
    assert forged.rules() == []
    forged.at({}, deletes=["drains/mgt3"])
    forged.move(["n2"], kind="drain")
    assert forged.rules() == ["order"]


def test_a_write_in_another_members_name_is_found(forged):
    forged.move(["n1"], by="mgt2")
    assert forged.rules() == ["fence"]


def test_a_pulse_of_who_does_not_lead_is_found(forged):
    forged.at({"pulse": "mgt2"})
    assert forged.rules() == ["fence"]


@pytest.mark.parametrize("ticket", [None, "3"])
def test_a_move_without_a_lanes_ticket_is_found(forged, ticket):
    forged.move(["n1"], ticket=ticket)
    assert forged.rules() == (["ticket"] if ticket is None else ["only", "ticket"])


def test_a_move_over_an_administrators_change_is_found(forged):
    forged.at({"nodes/n1/collective.manager": "mgt1"})
    forged.move(["n1", "n2"])
    assert "from" in forged.rules()


def test_a_move_to_who_is_no_candidate_is_found(forged):
    forged.at({"nodes/n1/collective.managercandidates": "mgt1,mgt3"})
    forged.move(["n1"])
    assert forged.rules() == ["candidate"]


def test_a_node_without_candidates_may_not_move(forged):
    forged.at({}, deletes=["groups/compute/collective.managercandidates"])
    forged.move(["n1"])
    assert forged.rules() == ["candidate"]


def test_a_node_that_a_leader_leaves_without_a_manager_is_found(forged):
    forged.move(["n1"], told=[{"from": "mgt3", "to": "mgt2", "nodes": 2}],
                deletes=["nodes/n2/collective.manager"])
    assert "one" in forged.rules()


@pytest.mark.parametrize("target", ["mgt1,mgt2", "mgt9", "mgt3", ""])
def test_a_target_that_is_no_other_member_is_found(forged, target):
    forged.move(["n1"], target=target)
    assert "one" in forged.rules()


def test_history_that_tells_another_number_is_found(forged):
    forged.move(["n1", "n2"], told=[{"from": "mgt3", "to": "mgt2", "nodes": 1}])
    assert forged.rules() == ["count"]


def test_moves_that_history_does_not_tell_are_found(forged):
    forged.at({"nodes/n1/collective.manager": "mgt2", "writes/mgt1/m0": "x"})
    forged.at({"nodes/n1/collective.manager": "mgt1", "nodes/n2/collective.manager": "mgt1"})
    report = forged.report()
    assert [v.rule for v in report.violations] == ["unknown", "unknown"]


def test_a_leaders_transaction_that_changes_more_is_found(forged):
    forged.move(["n1"], extra={"nodes/n1/location.room": "x"})
    assert forged.rules() == ["only"]


def test_a_move_of_a_node_that_does_not_exist_is_found(forged):
    forged.move(["n7"], source="")
    assert "only" in forged.rules()


def test_leadership_that_changes_hands_at_once_is_found(forged):
    forged.at({"leader": ("mgt2", 101)})
    assert forged.rules() == ["leader"]


@pytest.mark.parametrize("lease", [0, 7])
def test_a_leader_key_without_its_members_lease_is_found(forged, lease):
    forged.at({}, deletes=["leader"])
    forged.at({"leader": ("mgt2", lease)})
    assert forged.rules() == ["leader"]


def test_inheritance_is_followed(forged):
    forged.at({"groups/everything/collective.manager": "mgt1",
               "groups/rack/noderange": "", "groups/rack/collective.manager": "mgt2"})
    for path in ("n1", "n2", "n3"):
        forged.at({}, deletes=[f"nodes/{path}/collective.manager"])
    forged.at({"nodes/n2/groups": "compute,rack"})
    assert forged.report().state.managers() == {"n1": "mgt1", "n2": "mgt2", "n3": "mgt1"}


def test_candidates_are_understood():
    assert plain_range("mgt1, mgt3") == {"mgt1", "mgt3"}
    assert plain_range("mgt[1:3]") == plain_range("mgt1-mgt3") == {"mgt1", "mgt2", "mgt3"}
    assert plain_range("") == set()


def test_the_judge_reads_etcd_itself(world):
    etcd = world.etcd
    etcd.call("/v3/kv/txn", {"success": [{"request_put": {"key": b64(PREFIX + key),
                                                          "value": b64(value)}}
                                         for key, value in {
        "nodes/n1/groups": "", "nodes/n1/collective.manager": "mgt1",
        "nodes/n1/collective.managercandidates": "mgt2"}.items()]})
    since = etcd.revision()
    etcd.put(PREFIX + "nodes/n1/collective.manager", "mgt2")
    etcd.put(PREFIX + "pulse", "mgt1")
    report = judge(world, since)
    assert [v.rule for v in report.violations] == ["fence"]
    assert report.others == [(since + 1, "n1", "mgt2")]
    assert report.state.managers() == {"n1": "mgt2"}
