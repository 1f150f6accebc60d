"""Nodes get another manager when theirs is gone: what moves, where to, when, and what does not."""

import re
import signal
import threading

import pytest

from harness.agent import run_command
from harness.wait import holds_for, wait_until
from harness.world import World

TTL = 5
SOON = TTL + 8  # generous: the machine may be busy


class Site:
    """mgt1, mgt2 and mgt3, and their commands."""

    def __init__(self):
        self.world = World()
        self.members = self.world.collective(3, ttl=TTL)
        self.configure(hold_down=0)

    def configure(self, **options):
        for member in self.members:
            member.config["failover"] = {"delay": 0, "hold_down": 0, **options}
            member.write_config()
            if member.running:
                member.process.signal(signal.SIGHUP)

    def named(self, name):
        return next(m for m in self.members if m.title == name)

    def alive(self):
        return next(m for m in self.members if m.running)

    def run(self, line, member=None):
        """A command that succeeds; its standard output."""
        words = line.split()
        member = member or self.alive()
        rc, out, err = run_command(words[0], *words[1:], socket=member.socket)
        self.world.note(f"{member.title}# {line} -> {rc} {err}")
        assert rc == 0, (line, out, err)
        return out

    def managers(self):
        """{node: its own collective.manager}, as etcd has it."""
        prefix = self.world.key("nodes/")
        keys = {k.key[len(prefix):]: k.value for k in self.world.etcd.list(prefix)}
        return {path.split("/")[0]: value for path, value in keys.items()
                if path.endswith("/collective.manager")}

    def counts(self):
        counts = {}
        for manager in self.managers().values():
            counts[manager] = counts.get(manager, 0) + 1
        return counts

    def wait_counts(self, expected, deadline=SOON):
        wait_until(lambda: self.counts() == expected, deadline, f"managers to be {expected}")

    def wait_managers(self, expected, deadline=SOON):
        wait_until(lambda: {n: m for n, m in self.managers().items() if n in expected} == expected,
                   deadline, f"managers to be {expected}")

    def kill(self, name):
        self.named(name).kill()
        wait_until(lambda: name in self.alive().raw_show()["offline"], SOON, f"{name} to be gone")

    def everyone(self):
        for member in self.members:
            if not member.running:
                member.start()
        self.world.settled(self.members, 20)

    def history(self, kind):
        prefix = self.world.key("history/")
        return [k.value for k in self.world.etcd.list(prefix) if f'"kind":"{kind}"' in k.value]


@pytest.fixture(scope="module")
def shared_site():
    made = Site()
    yield made
    found = made.world.shut_down()
    assert not found, "\n".join(found)


@pytest.fixture
def new_site():
    """One whose history is empty: who was moved away from before is held down."""
    made = Site()
    yield made
    found = made.world.shut_down()
    assert not found, "\n".join(found)


@pytest.fixture
def site3(shared_site):
    """Three members, no nodes, no groups, failover at once; the same afterwards."""
    yield shared_site
    shared_site.configure()
    shared_site.everyone()
    nodes = shared_site.run("nodelist").split()
    if nodes:
        shared_site.run("noderemove " + ",".join(nodes))
    for group in shared_site.run("nodegrouplist").split():
        if group != "everything":
            shared_site.run(f"nodegroupremove {group}")


def test_the_nodes_of_a_dead_member_are_spread_over_the_others(site3):
    site3.run("nodedefine mgt1-mgt3")
    site3.run("nodegroupdefine compute")
    site3.run("nodedefine n1-n63 groups=compute")
    site3.run("nodegroupattrib compute collective.managercandidates=mgt1,mgt2,mgt3")
    site3.run("nodeattrib compute collective.manager=mgt2")
    assert site3.counts() == {"mgt2": 63}
    site3.named("mgt2").kill()
    site3.wait_counts({"mgt1": 32, "mgt3": 31})
    shown = site3.alive().collective("show")
    assert shown.rc == 0 and shown.err == "", shown
    assert "Offline collective members:\n    mgt2\n" in shown.out
    lines = site3.run("nodeattrib compute collective.manager").splitlines()
    assert len(lines) == 63 and all(re.search(r": mgt[13]\b", line) for line in lines)
    # in natural order, in turns
    managers = site3.managers()
    assert [managers[f"n{i}"] for i in range(1, 5)] == ["mgt1", "mgt3", "mgt1", "mgt3"]
    told = "".join(site3.history("failover"))
    assert '"from":"mgt2"' in told and "mgt2 is gone" in told, told
    # nothing moves back by itself
    site3.everyone()
    holds_for(lambda: site3.counts() == {"mgt1": 32, "mgt3": 31}, 1, "nothing moves back")


def test_history_shows_who_moved_what_and_why(site3):
    site3.run("nodedefine n1-n3 collective.managercandidates=mgt1,mgt2,mgt3 collective.manager=mgt3")
    site3.named("mgt3").kill()
    site3.wait_counts({"mgt1": 2, "mgt2": 1})
    answer = wait_until(lambda: (lambda a: "mgt3 is gone" in a.out and a)(
        site3.alive().collective("history", "-n", "10")), 5, "the history to be told")
    assert re.search(r"failover +mgt3 -> mgt1 2, mgt2 1 nodes? by leader on mgt[12]: mgt3 is gone",
                     answer.out), answer.out


def test_each_node_goes_to_a_candidate_of_its_own_the_one_with_the_fewest_nodes(site3):
    site3.run("nodegroupdefine compute")
    site3.run("nodegroupattrib compute collective.managercandidates=mgt2,mgt3")
    site3.run("nodedefine a1-a4 collective.manager=mgt1")
    site3.run("nodedefine b1-b2 groups=compute collective.manager=mgt2")
    site3.run("nodedefine b3 collective.managercandidates=mgt1 collective.manager=mgt2")
    site3.run("nodedefine b4-b6 collective.managercandidates=mgt[1:3] collective.manager=mgt2")
    site3.kill("mgt2")
    site3.wait_managers({"b1": "mgt3", "b2": "mgt3", "b3": "mgt1", "b4": "mgt3", "b5": "mgt3",
                         "b6": "mgt3"})


def test_a_node_without_candidates_is_never_moved(site3):
    site3.run("nodedefine n1-n2 collective.manager=mgt2")
    site3.run("nodedefine n3 collective.managercandidates=mgt1 collective.manager=mgt2")
    site3.kill("mgt2")
    site3.wait_managers({"n1": "mgt2", "n2": "mgt2", "n3": "mgt1"})
    facts = wait_until(lambda: [m for m in site3.alive().raw_show(True)["managers"]
                                if m["name"] == "mgt2" and m.get("without_candidates") == 2],
                       SOON, "it to be told")
    assert facts[0]["nodes"] == 2 and facts[0]["state"] == "offline"
    assert site3.managers()["n1"] == "mgt2"


def test_orphans_are_told_everywhere_and_taken_when_a_candidate_returns(site3):
    site3.run("nodedefine n1-n4 collective.managercandidates=mgt2,mgt3 collective.manager=mgt3")
    site3.kill("mgt2")
    site3.kill("mgt3")
    mgt1 = site3.named("mgt1")
    wait_until(lambda: mgt1.raw_show().get("orphaned") == 4, SOON, "four orphans")
    answer = mgt1.collective("show")
    assert answer.rc == 0
    assert "4 nodes are orphaned: none of their candidates is there (collective show -v)" \
        in answer.err
    assert mgt1.raw_show(True)["orphans"] == ["n1", "n2", "n3", "n4"]
    lines = mgt1.collective("show", "-v").out.splitlines()
    for line in ("Orphaned nodes: 4", "    mgt1: 0 nodes, online", "    mgt2: 0 nodes, offline",
                 "    mgt3: 4 nodes, offline, orphaned 4", "Orphans:", "    n4"):
        assert line in lines, (line, lines)
    assert site3.counts() == {"mgt3": 4}
    site3.named("mgt2").start()
    site3.wait_counts({"mgt2": 4})
    for member in ("mgt1", "mgt2"):
        wait_until(lambda m=member: site3.named(m).raw_show().get("orphaned") == 0, SOON,
                   f"{member} to see none")


def test_a_manager_that_is_away_when_it_is_set_is_replaced(site3):
    site3.run("nodedefine n1-n2 collective.managercandidates=mgt1,mgt3")
    site3.kill("mgt3")
    site3.run("nodeattrib n1-n2 collective.manager=mgt3")
    site3.wait_counts({"mgt1": 2}, 5)
    # and a text that is nobody's name
    site3.run("nodeattrib n1 collective.manager=nobody")
    site3.wait_counts({"mgt1": 2}, 5)


def test_a_manager_that_comes_from_a_group_is_replaced_at_the_nodes(site3):
    site3.run("nodegroupdefine compute")
    site3.run("nodedefine n1-n10 groups=compute")
    site3.run("nodegroupattrib compute collective.managercandidates=mgt1,mgt2,mgt3")
    site3.run("nodegroupattrib compute collective.manager=mgt2")
    assert site3.counts() == {}
    site3.kill("mgt2")
    site3.wait_counts({"mgt1": 5, "mgt3": 5})
    assert "mgt2" in site3.run("nodegroupattrib compute collective.manager")


def test_the_delay_is_waited_for(site3):
    site3.configure(delay=4)
    site3.run("nodedefine n1-n2 collective.managercandidates=mgt1,mgt3 collective.manager=mgt3")
    site3.kill("mgt3")
    holds_for(lambda: site3.counts() == {"mgt3": 2}, 2, "nothing moves yet")
    waiting = {m["name"]: m.get("waiting") for m in site3.alive().raw_show(True)["managers"]}
    assert waiting["mgt3"] == 2, waiting
    site3.wait_counts({"mgt1": 2})


def test_a_member_that_flaps_loses_its_nodes_once(new_site):
    site3 = new_site
    site3.configure(hold_down=600)
    site3.run("nodedefine n1-n2 collective.managercandidates=mgt1,mgt3 collective.manager=mgt3")
    site3.kill("mgt3")
    site3.wait_counts({"mgt1": 2})
    site3.everyone()
    # by hand, as soon as it is back
    site3.run("nodeattrib n1-n2 collective.manager=mgt3")
    site3.kill("mgt3")
    wait_until(lambda: [m for m in site3.alive().raw_show(True)["managers"]
                        if m["name"] == "mgt3" and m.get("waiting") == 2], SOON, "both to wait")
    assert site3.counts() == {"mgt3": 2}
    site3.configure(hold_down=0)
    site3.wait_counts({"mgt1": 2})


@pytest.mark.takes(19)
def test_the_first_server_that_is_up_again_does_not_get_all_nodes(new_site):
    """Everything was switched off; servers come up one after the other."""
    site = new_site
    site.run("nodedefine n1-n3 collective.managercandidates=mgt1,mgt2,mgt3")
    for i in (1, 2, 3):
        site.run(f"nodeattrib n{i} collective.manager=mgt{i}")
    for member in site.members:
        member.kill()
    wait_until(lambda: not site.world.etcd.list(site.world.key("active/")), SOON, "all to be gone")
    site.named("mgt1").start()
    wait_until(lambda: site.named("mgt1").leader() == "mgt1", SOON, "mgt1 to lead")
    facts = wait_until(lambda: [m["name"] for m in site.named("mgt1").raw_show(True)["managers"]
                                if m.get("waiting") == 1], SOON, "two nodes to wait")
    assert facts == ["mgt2", "mgt3"]
    site.named("mgt2").start()
    site.world.settled([site.named("mgt1"), site.named("mgt2")], 20)
    assert site.managers() == {"n1": "mgt1", "n2": "mgt2", "n3": "mgt3"}
    # mgt3 does not come, and the time is over
    site.configure(start_delay=1)
    site.wait_managers({"n1": "mgt1", "n2": "mgt2", "n3": "mgt1"})


def test_what_an_administrator_writes_meanwhile_wins(site3):
    nodes = [f"n{i}" for i in range(1, 401)]
    site3.run("nodegroupdefine compute")
    site3.run("nodedefine n1-n400 groups=compute collective.manager=mgt2")
    site3.run("nodegroupattrib compute collective.managercandidates=mgt1,mgt2,mgt3")
    mine = nodes[::7]
    since = site3.world.etcd.revision()

    def by_hand():
        wait_until(lambda: not site3.world.etcd.get(site3.world.key("active/mgt2")), SOON,
                   "the lease to end", every=0.001)
        for node in mine:
            site3.world.etcd.put(site3.world.key(f"nodes/{node}/collective.manager"), "mgt1")

    thread = threading.Thread(target=by_hand)
    thread.start()
    site3.named("mgt2").kill()
    thread.join()
    wait_until(lambda: "mgt2" not in site3.counts(), SOON, "all to be moved")
    managers = site3.managers()
    assert {managers[n] for n in mine} == {"mgt1"}
    # whatever came first, nothing was written over what was put by hand
    for node in mine[:10]:
        changes = site3.world.etcd.history(
            site3.world.key(f"nodes/{node}/collective.manager"), since + 1)
        values = [key.value for _, kind, key in changes if kind == "PUT"]
        assert values[-1] == "mgt1" and len(values) <= 2, values


def test_a_restart_within_the_lease_moves_nothing_and_an_end_does(site3):
    site3.run("nodedefine n1-n2 collective.managercandidates=mgt1,mgt2,mgt3 collective.manager=mgt3")
    since = site3.world.etcd.revision()
    site3.named("mgt3").restart()
    site3.world.settled(site3.members, 20)
    holds_for(lambda: site3.counts() == {"mgt3": 2}, 1, "nothing moves")
    key = site3.world.key("nodes/n1/collective.manager")
    assert site3.world.etcd.history(key, since + 1) == []
    site3.named("mgt3").term()
    site3.wait_counts({"mgt1": 1, "mgt2": 1})


def test_a_deleted_member_has_no_nodes_left(site):
    world = site(etcds=1)
    mgt1, mgt2 = world.collective(2, ttl=TTL)
    for line in ("nodedefine n1-n3 collective.managercandidates=mgt1,mgt2 collective.manager=mgt2",):
        rc, _, err = run_command(*line.split(), socket=mgt1.socket)
        assert rc == 0, err
    answer = mgt1.collective("delete", "mgt2")
    if answer.rc:
        mgt2.kill()
        wait_until(lambda: "mgt2" in mgt1.raw_show()["offline"], SOON, "mgt2 to be offline")
        answer = mgt1.collective("delete", "mgt2")
    assert answer.rc == 0, answer
    prefix = world.key("nodes/")
    wait_until(lambda: {k.value for k in world.etcd.list(prefix)
                        if k.key.endswith("/collective.manager")} == {"mgt1"}, SOON,
               "its nodes to be mgt1's")
