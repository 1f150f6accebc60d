"""Work that an administrator plans: what would happen, drains, evening out."""

import grp
import json
import os
import re
import signal
import threading

import pytest

from harness.agent import run_command
from harness.wait import holds_for, wait_until
from harness.wire import Session
from harness.world import World


class Trio:
    """mgt1, mgt2 and mgt3, and their commands. Each test has nodes of its own and leaves none."""

    def __init__(self):
        self.world = World()
        self.members = self.world.collective(3)
        self.one, self.two, self.three = self.members

    def run(self, line):
        words = line.split()
        rc, out, err = run_command(words[0], *words[1:], socket=self.one.socket)
        self.world.note(f"mgt1# {line} -> {rc} {err}")
        assert rc == 0, (line, out, err)
        return out

    def define(self, names, manager, candidates="mgt1,mgt2,mgt3"):
        words = [f"collective.manager={manager}"] if manager else []
        words += [f"collective.managercandidates={candidates}"] if candidates else []
        self.run(" ".join(["nodedefine", names, *words]))
        revision = self.world.etcd.revision()
        for member in self.members:
            wait_until(lambda m=member: int(m.raw_show(True)["database"]["revision"]) >= revision,
                       5, f"{member.title} to know the nodes")

    def counts(self):
        """How many nodes each member has, as etcd has it."""
        found = {}
        for key in self.world.etcd.list(self.world.key("nodes/")):
            if key.key.endswith("/collective.manager"):
                found[key.value] = found.get(key.value, 0) + 1
        return found

    def clean(self):
        for member in self.members:
            if self.world.etcd.get(self.world.key(f"drains/{member.title}")):
                self.ok("undrain", member.title)
        if self.world.etcd.get(self.world.key("pause")):
            self.ok("resume")
        names = self.run("nodelist").split()
        if names:
            self.run("noderemove " + ",".join(names))

    def ok(self, *words, member=None):
        answer = (member or self.one).collective(*words)
        assert answer.rc == 0, answer
        return answer

    def refused(self, *words, member=None):
        answer = (member or self.one).collective(*words)
        assert answer.rc == 1 and answer.out == "", answer
        return answer.err


@pytest.fixture(scope="module", name="whole_trio")
def make_whole_trio():
    trio = Trio()
    yield trio
    found = trio.world.shut_down()
    assert not found, "after the tests: " + "\n".join(found)


@pytest.fixture(name="trio")
def make_trio(whole_trio):
    yield whole_trio
    whole_trio.clean()


def drain_order(trio, name="mgt2"):
    return trio.world.etcd.get(trio.world.key(f"drains/{name}"))


# plan

def test_a_plan_tells_who_would_get_which_nodes_and_changes_nothing(trio):
    trio.define("a1-a21", "mgt2")
    trio.define("b1", "mgt1")
    trio.define("c1-c2", "mgt2", "mgt2")
    trio.define("d1", "mgt2", None)
    revision = trio.world.etcd.revision()
    answer = trio.ok("plan", "--without", "mgt2")
    assert answer.err == "" and answer.out == (
        "mgt2 (24 nodes): 10 to mgt1, 11 to mgt3\n"
        "orphaned: c[1:2] (2 nodes): none of their candidates is there\n"
        "not moved: d1 (1 node): it has no candidates\n"
        "then mgt1 has 11 nodes (now 1)\n"
        "then mgt2 has 3 nodes (now 24)\n"
        "then mgt3 has 11 nodes (now 0)\n"), answer
    facts = json.loads(trio.ok("plan", "mgt2", "--json").out)
    assert facts["moves"][0]["moved"] == facts["moved"] == 21
    assert [m["then"] for m in facts["members"]] == [11, 3, 11]
    answer = trio.ok("plan", "--without", "mgt2,mgt3")
    assert answer.out.startswith("mgt2 (24 nodes): 21 to mgt1\n"), answer
    assert trio.ok("plan").out == "nothing would be moved\n"
    assert "nosuch is not a recognized collective member" in trio.refused("plan", "--without", "nosuch")
    assert trio.counts() == {"mgt2": 24, "mgt1": 1}
    changed = [k for k in trio.world.etcd.list(trio.world.key("nodes/"))
               if k.mod_revision > revision]
    assert changed == []


# drain

def test_a_drain_moves_the_nodes_and_keeps_them_away(trio):
    trio.define("a1-a60", "mgt2")
    answer = trio.ok("drain", "mgt2", "--reason", "new firmware")
    assert (answer.out, answer.err) == ("mgt2 is drained: 60 nodes moved\n", ""), answer
    assert trio.counts() == {"mgt1": 30, "mgt3": 30}
    order = json.loads(drain_order(trio).value)
    assert order["reason"] == "new firmware" and order["actor"] == "root"
    assert "mgt2 (draining): no nodes\n" in trio.ok("nodes").out
    assert "mgt2" in json.loads(trio.ok("candidates", "a1", "--json").out)["candidates"][0][
        "candidates"]
    assert json.loads(trio.ok("candidates", "a1", "--json").out)["candidates"][0][
        "available"] == ["mgt1", "mgt3"]
    history = trio.ok("history").out
    assert "new firmware" in history and "mgt2" in history
    answer = trio.ok("drain", "mgt2")
    assert re.fullmatch(r"mgt2 is drained: it has no nodes; that was ordered already by root on "
                        r"mgt1 at \S+ \S+ UTC: new firmware\n", answer.out), answer
    assert re.fullmatch(r"mgt2 is being drained \(since .* by root on mgt1: new firmware\); "
                        r"collective undrain ends that\n", trio.ok("show").err)
    shown = json.loads(trio.ok("show", "--json").out)
    assert [d["reason"] for d in shown["drains"]] == ["new firmware"], shown


def test_what_an_administrator_gives_to_a_drained_member_moves_on(trio):
    trio.define("a1-a4", "mgt1")
    trio.ok("drain", "mgt2")
    trio.run("nodeattrib a1-a2 collective.manager=mgt2")
    wait_until(lambda: "mgt2" not in trio.counts(), 10, "them to move on")
    trio.ok("undrain", "mgt2")
    trio.run("nodeattrib a1-a2 collective.manager=mgt2")
    holds_for(lambda: trio.counts().get("mgt2") == 2, 1, "they stay now")


def test_undrain_moves_nothing_back(trio):
    trio.define("a1-a6", "mgt2")
    trio.ok("drain", "mgt2")
    before = trio.counts()
    answer = trio.ok("undrain", "mgt2", member=trio.three)
    assert answer.out == "mgt2 may be chosen again; nothing moves back by itself\n"
    assert drain_order(trio) is None
    holds_for(lambda: trio.counts() == before, 1, "nothing moves back")
    assert trio.refused("undrain", "mgt2") == "mgt2 is not being drained\n"
    assert trio.refused("undrain", "nosuch") == "nosuch is not a recognized collective member\n"
    assert trio.refused("drain", "") == "a member name must not be empty\n"


def test_a_drain_that_would_leave_nodes_with_nobody_is_refused(trio):
    trio.define("a1-a6", "mgt2")
    trio.define("b1-b3", "mgt2", "mgt2,nosuch")
    trio.define("c1", "mgt2", None)
    err = trio.refused("drain", "mgt2")
    assert err == ("4 nodes would have nobody to go to: no other candidate is there for b[1:3]; "
                   "c1 has no candidates "
                   "(--force drains the rest, and they stay with mgt2)\n"), err
    assert drain_order(trio) is None and trio.counts() == {"mgt2": 10}
    answer = trio.ok("drain", "mgt2", "--force")
    assert answer.out == ("mgt2 is drained: 6 nodes moved, 4 stay (no other candidate): "
                          "b[1:3],c1\n"), answer
    assert trio.counts() == {"mgt1": 3, "mgt2": 4, "mgt3": 3}


def test_a_drain_of_nobody_and_while_paused_is_refused(trio):
    trio.define("a1", "mgt2")
    assert "nosuch" in trio.refused("drain", "nosuch")
    assert "n[1" in trio.refused("drain", "n[1")
    trio.ok("pause", "--reason", "moving house")
    err = trio.refused("drain", "mgt2")
    assert "automatic moves are paused" in err and "collective resume" in err, err
    err = trio.refused("rebalance")
    assert "automatic moves are paused" in err, err
    assert trio.counts() == {"mgt2": 1} and drain_order(trio) is None


def test_who_does_not_wait_gets_an_answer_at_once(trio):
    trio.define("a1-a30", "mgt2")
    answer = trio.ok("drain", "mgt2", "--no-wait", "--json")
    assert json.loads(answer.out)["status"] == "mgt2 is being drained: 30 nodes to move"
    wait_until(lambda: trio.counts() == {"mgt1": 15, "mgt3": 15}, 10, "the nodes to move")


def test_a_drain_is_asked_for_at_a_member_that_does_not_lead(trio):
    trio.define("a1-a30", "mgt1")
    follower = next(m for m in trio.members if m.leader() != m.title)
    answer = trio.ok("drain", "mgt1", member=follower)
    assert answer.out == "mgt1 is drained: 30 nodes moved\n"
    assert trio.counts() == {"mgt2": 15, "mgt3": 15}


def test_progress_is_told_and_an_interrupt_leaves_the_order(trio):
    trio.define("a1-a20", "mgt2")
    trio.define("b1", "mgt2", "mgt1,mgt2")
    leader = next(m for m in trio.members if m.leader() == m.title)
    if leader is not trio.two:
        # nobody moves anything until it is back: its lease is longer than this test needs
        leader.stop()
    try:
        asked = trio.two if leader is not trio.two else trio.one
        waiting = asked.spawn("drain", "mgt2")
        wait_until(lambda: drain_order(trio), 10, "the order to be there")
        with Session(asked.socket, 10) as session:
            session.send({"collective": {"operation": "drain", "member": "mgt2"}})
            frame = session.receive()["collective"]
            assert "error" not in frame, frame
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=10)
        assert waiting.returncode == -signal.SIGINT
    finally:
        leader.cont()
    assert drain_order(trio) is not None
    wait_until(lambda: "mgt2" not in trio.counts(), 20, "it to be done all the same")
    assert err == "" or "goes on without this command" in err, err
    trio.world.settled(trio.members, 20)


def test_a_pause_ends_the_waiting_at_once_and_is_named(trio):
    trio.define("a1-a3", "mgt2")
    leader = next(m for m in trio.members if m.leader() == m.title)
    others = [m for m in trio.members if m is not leader]
    leader.stop()
    try:
        waiting = others[0].spawn("drain", "mgt2")
        wait_until(lambda: drain_order(trio), 10, "the order to be there")
        trio.ok("pause", "--reason", "look first", member=others[1])
        _, err = waiting.communicate(timeout=10)
    finally:
        leader.cont()
    assert waiting.returncode == 1
    assert re.search(rf"automatic moves are paused by root on {others[1].title} at .*: look first, "
                     "until collective resume: mgt2 stays ordered to be drained, 3 nodes are left",
                     err), err
    trio.world.settled(trio.members, 20)
    trio.ok("resume")
    wait_until(lambda: "mgt2" not in trio.counts(), 20, "it to be done then")


def test_a_drain_that_is_taken_back_ends_the_waiting(trio):
    trio.define("a1-a3", "mgt2")
    leader = next(m for m in trio.members if m.leader() == m.title)
    others = [m for m in trio.members if m is not leader]
    leader.stop()
    try:
        waiting = others[0].spawn("drain", "mgt2")
        wait_until(lambda: drain_order(trio), 10, "the order to be there")
        trio.world.etcd.delete(trio.world.key("drains/mgt2"))
        out, err = waiting.communicate(timeout=20)
        assert waiting.returncode == 1 and "taken back" in err or "is drained" in out, (out, err)
    finally:
        leader.cont()
    trio.world.settled(trio.members, 20)


# rebalance

def test_rebalancing_tells_why_and_evens_out(trio):
    trio.define("a1-a12", "mgt1")
    trio.define("b1-b3", "mgt2", "mgt2")
    revision = trio.world.etcd.revision()
    answer = trio.ok("rebalance", "--dry-run")
    lines = answer.out.splitlines()
    assert lines[-1] == "7 nodes would move", lines
    assert all(re.fullmatch(r"a\d+: mgt1 -> mgt[23] \(mgt1 has \d+ nodes?, mgt[23] has \d+\)", line)
               for line in lines[:-1]) and len(lines) == 8, lines
    assert lines[0].endswith("(mgt1 has 12 nodes, mgt3 has 0)"), lines
    assert [k for k in trio.world.etcd.list(trio.world.key("nodes/"))
            if k.mod_revision > revision] == []
    facts = json.loads(trio.ok("rebalance", "--dry-run", "--max-moves", "2", "--json").out)
    assert len(facts["moves"]) == facts["moved"] == 2 and facts["dry_run"] is True
    answer = trio.ok("rebalance", member=trio.two)
    assert answer.out.splitlines()[-1] == "7 nodes moved", answer
    assert trio.counts() == {"mgt1": 5, "mgt2": 5, "mgt3": 5}
    assert trio.world.etcd.get(trio.world.key("rebalance")) is None
    revision = trio.world.etcd.revision()
    assert trio.ok("rebalance").out == "nothing to move: the nodes are spread as evenly as their candidates allow\n"
    assert trio.ok("rebalance", "--dry-run").out == (
        "nothing to move: the nodes are spread as evenly as their candidates allow\n")
    assert trio.world.etcd.get(trio.world.key("rebalance")) is None
    assert "rebalance" in trio.ok("history").out


def test_no_more_is_moved_than_was_allowed(trio):
    trio.define("a1-a12", "mgt1")
    answer = trio.ok("rebalance", "--max-moves", "3")
    assert answer.out.splitlines()[-1] == "3 nodes moved", answer
    assert sum(n for name, n in trio.counts().items() if name != "mgt1") == 3
    answer = trio.one.collective("rebalance", "--max-moves", "0")
    assert answer.rc == 2 and "--max-moves" in answer.err


def test_one_rebalancing_at_a_time(trio):
    trio.define("a1-a3", "mgt1")
    trio.world.etcd.put(trio.world.key("pause"), '{"by":"mgt1","actor":"root"}')
    wait_until(lambda: "paused" in trio.one.raw_show(), 5, "the pause to be seen")
    trio.world.etcd.put(trio.world.key("rebalance"), json.dumps(
        {"by": "mgt3", "actor": "root", "id": "0123", "max": "9", "left": "9"}))
    trio.world.etcd.delete(trio.world.key("pause"))
    answers = []
    threads = [threading.Thread(target=lambda m=m: answers.append(m.collective("rebalance")))
               for m in (trio.one, trio.two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        assert answer.rc == 0 or "under way already" in answer.err or "paused" in answer.err, answer
    wait_until(lambda: trio.counts() == {"mgt1": 1, "mgt2": 1, "mgt3": 1}, 10, "them to be even")
    wait_until(lambda: trio.world.etcd.get(trio.world.key("rebalance")) is None, 10,
               "the order to be gone")


def test_requests_that_make_no_sense_are_refused(trio):
    trio.define("a1-a3", "mgt1")
    with Session(trio.one.socket, 10) as session:
        session.send({"collective": {"operation": "rebalance", "dry_run": "yes"}})
        assert "dry_run" in session.receive()["collective"]["error"]
    with Session(trio.one.socket, 10) as session:
        session.send({"collective": {"operation": "plan", "without": "mgt1"}})
        assert "'without' must be a list" in session.receive()["collective"]["error"]
    for message in ({"operation": "drain"}, {"operation": "undrain"},
                    {"operation": "drain", "member": "mgt2", "force": 1},
                    {"operation": "drain", "member": "mgt2", "reason": "x" * 600},
                    {"operation": "drain", "member": "mgt2", "reason": "two\nlines"},
                    {"operation": "rebalance", "max_moves": 0},
                    {"operation": "plan", "without": [3]}, {"operation": "plan", "without": ["a b"]}):
        with Session(trio.one.socket, 10) as session:
            session.send({"collective": message})
            assert "error" in session.receive()["collective"], message
    assert drain_order(trio) is None and trio.counts() == {"mgt1": 3}


def asked_by_reader(member, message):
    """The first object of the answer to somebody of the group nogroup."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = {"error": "the test has failed"}
        try:
            os.setgroups([])
            os.setgid(grp.getgrnam("nogroup").gr_gid)
            os.setuid(65534)
            with Session(member.socket, 10) as session:
                found = session.collective(**message)
        finally:
            os.write(writing, json.dumps(found).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as f:
        text = f.read()
    os.waitpid(child, 0)
    return json.loads(text)


@pytest.mark.skipif(os.getuid() != 0, reason="another user can't be tried")
def test_a_reader_may_look_and_not_order(world):
    (one,) = world.collective(1)
    one.config["api"] = {"read_group": "nogroup"}
    for folder in (world.folder, one.home):
        os.chmod(folder, 0o711)
    one.restart()
    wait_until(one.is_active, 15, "it to be back")
    for message in ({"operation": "nodes"}, {"operation": "plan"},
                    {"operation": "rebalance", "dry_run": True}):
        assert "error" not in asked_by_reader(one, message), message
    answer = asked_by_reader(one, {"operation": "rebalance"})
    assert answer["error"].startswith("only root may rebalance"), answer
    for message in ({"operation": "drain", "member": "mgt1"}, {"operation": "undrain", "member": "m"},
                    {"operation": "claim", "noderange": "n1"}):
        assert "error" in asked_by_reader(one, message), message
    assert [k.key for k in world.etcd.list(world.key("drains/"))] == []


def test_nodes_that_nobody_will_take_over_are_told(trio):
    trio.define("a1-a2", "gone", None)
    wait_until(lambda: trio.ok("show").err == (
        "2 nodes have no candidates, and a manager that is not there: nobody takes them over "
        "(collective plan)\n"), 10, "them to be told")
    assert json.loads(trio.ok("show", "--json").out)["left_alone"] == 2


def test_candidates_that_cannot_be_used_are_not_called_none(trio):
    trio.define("a1-a2", "mgt2", "mgt1,n[1")
    trio.define("b1", "mgt2")
    plan = trio.ok("plan", "mgt2")
    assert "not moved: a[1:2] (2 nodes)" in plan.out, plan
    assert "2 nodes, the first: collective.managercandidates of a1: candidates 'mgt1,n[1'" in plan.err
    assert "candidates of a1: candidates 'mgt1,n[1'" in trio.refused("drain", "mgt2")
