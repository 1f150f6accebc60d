"""Managers, orders and history as somebody may put them into etcd, and clients that ask without end: what
is told is harmless, and the loop is never busy for long."""

import json
import re
import threading
import time

from harness.agent import run_command
from harness.wait import wait_until
from harness.wire import Closed, Session

BUSY = re.compile(r"busy for [0-9.]+ ms, ([0-9.]+) ms of it working, with (.*)")
# Of processor time, in one callback; a sanitized agent takes several times as long as any other.
LONGEST = 200


def nodes(agent, program, *args):
    rc, out, err = run_command(program, *args, socket=agent.socket)
    assert rc == 0, (program, args, out, err)
    return out


def stalls(agent, seen=0):
    """Milliseconds of work, and of what, of each callback that took long."""
    lines = [text for _, text in list(agent.process.lines)[seen:]]
    return sorted((float(m[1]), m[2]) for m in map(BUSY.search, lines) if m)


def test_managers_that_take_long_to_work_out_hold_nobody_up(world):
    mgt1, _ = world.found()
    assert mgt1.collective("log", "loop", "debug").rc == 0
    assert mgt1.collective("pause").rc == 0
    nodes(mgt1, "nodegroupdefine", "compute")
    nodes(mgt1, "nodedefine", "n1-n3000", "groups=compute")
    costly = "{" + "n1*7+" * 400 + "1}"
    ended = threading.Event()
    asked = []

    def ask():
        while not ended.is_set():
            asked.append(mgt1.raw_show(True))
    clients = [threading.Thread(target=ask) for _ in range(2)]
    for client in clients:
        client.start()
    for number in range(5):
        nodes(mgt1, "nodegroupattrib", "compute", f"collective.manager={costly}m{number}",
              f"collective.managercandidates={costly},mgt1")
        time.sleep(0.2)
    ended.set()
    for client in clients:
        client.join()
    assert len(asked) > 5
    assert all(took < LONGEST for took, _ in stalls(mgt1)), stalls(mgt1)[-5:]


ESCAPE = "\x1b]0;owned\x07\x9b2J\nroot@mgt1: all is well"


def test_what_is_put_into_etcd_moves_no_cursor_and_forges_no_line(world):
    mgt1, _ = world.found()
    nodes(mgt1, "nodedefine", "n1-n3", "collective.managercandidates=mgt1")
    put = world.etcd.put
    order = json.dumps({"by": "mgt1", "actor": ESCAPE[:8], "reason": ESCAPE, "at": 1e9})
    put(world.key("nodes/n1/collective.manager"), ESCAPE)
    put(world.key("nodes/n2/collective.managercandidates"), ESCAPE)
    for path in (f"history/{ESCAPE}", f"drains/{ESCAPE}", f"rekey/{ESCAPE}"):
        put(world.key(path), "{")
    put(world.key("history/1"), json.dumps({
        "kind": "failover", "at": 1, "by": ESCAPE[:60], "actor": ESCAPE[:20], "reason": ESCAPE,
        "from": ESCAPE, "member": ESCAPE, "batch": ESCAPE[:40],
        "moves": [{"from": ESCAPE, "to": ESCAPE, "nodes": 1}]}))
    put(world.key("drains/mgt1"), order)
    put(world.key("pause"), order)
    wait_until(lambda: mgt1.raw_show().get("paused"), 10, "the pause to be known")
    said = [mgt1.collective(*words) for words in (
        ("show",), ("show", "-v"), ("history",), ("nodes",), ("nodes", ESCAPE),
        ("candidates", "n1-n3"), ("plan",), ("drain", "mgt1"), ("pause",), ("undrain", ESCAPE),
        ("rebalance", "--dry-run"), ("claim", "n1-n3"), ("drain", "mgt1", "--reason", ESCAPE),
        ("resume",))]
    assert "owned" in said[2].out and "owned" in said[0].err, said
    texts = [answer.out + answer.err for answer in said] + [mgt1.text]
    for text in texts:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), text
        assert "\nroot@mgt1" not in text, text


NUMBERS = [-1, 0, 1, 2 ** 31, 2 ** 53 + 1, 2 ** 63, -2 ** 63, 1e308, 0.5, str(2 ** 63), "-1", "1e3"]
VALUES = NUMBERS + [None, True, [], {}, "", "x" * 5000, "\x00", ESCAPE, "mgt1", "n1", "~(", ["n1"],
                    [[[[{"a": [None]}]]]], ["mgt1"] * 600, {"mgt1": "mgt1"}, "{" * 500, "mgt[1:99999999]"]
FIELDS = {
    "claim": ("noderange",), "nodes": ("member", "unmanaged"), "candidates": ("noderange",),
    "plan": ("without",), "drain": ("member", "reason", "force", "wait"), "undrain": ("member",),
    "rebalance": ("dry_run", "max_moves"), "pause": ("reason",), "resume": ("x",),
    "history": ("max",), "watch": ("since", "run", "seq"),
}


def test_every_message_is_answered_and_none_does_harm(world):
    mgt1, _ = world.found()
    nodes(mgt1, "nodedefine", "n1-n3", "collective.managercandidates=mgt1")
    asked = 0
    for operation, fields in FIELDS.items():
        usual = {"member": "mgt9", "noderange": "n9", "since": 1, "run": "x", "wait": False}
        for field in fields:
            for value in VALUES:
                message = {"operation": operation,
                           **{k: v for k, v in usual.items() if k in fields}, field: value}
                with Session(mgt1.socket, 10) as session:
                    try:
                        answer = session.collective(**message)
                    except Closed:
                        answer = {} if value == "\x00" else message  # what is no JSON ends it
                assert isinstance(answer, dict) and answer != message, (message, answer)
                asked += 1
    assert asked > 300
    assert mgt1.is_active()


ASK_ALL = [{"operation": "nodes"}, {"operation": "nodes", "member": "mgt1"},
           {"operation": "candidates", "noderange": "n1-n500"}, {"operation": "history"},
           {"operation": "plan", "without": ["mgt1"]}, {"operation": "watch"},
           {"operation": "claim", "noderange": "n1-n500"}, {"operation": "pause"},
           {"operation": "resume"}, {"operation": "rebalance", "dry_run": True},
           {"operation": "rebalance"}, {"operation": "drain", "member": "mgt2", "force": True},
           {"operation": "undrain", "member": "mgt2"}]


def test_clients_that_go_away_in_the_middle_leave_nothing_behind(world):
    mgt1, mgt2 = world.collective(2)
    nodes(mgt1, "nodedefine", "n1-n500", "collective.managercandidates=mgt1,mgt2",
          "collective.manager=mgt2")
    for delay in (0, 0.001, 0.01, 0.05):
        for message in ASK_ALL:
            with Session(mgt1.socket, 10) as session:
                session.send({"collective": message})
                time.sleep(delay)
    # and a member that is taken away under all of them
    sessions = [Session(mgt2.socket, 10) for _ in ASK_ALL * 2]
    for session, message in zip(sessions, ASK_ALL * 2):
        session.send({"collective": message})
    world.etcd.delete(world.key("members/mgt2"))
    wait_until(lambda: mgt2.raw_show().get("state") != "active", 20, "mgt2 to know of it")
    assert mgt2.term() == 0
    for session in sessions:
        session.close()
    assert mgt1.is_active()


def test_a_history_as_large_as_can_be_is_told_bit_by_bit(world):
    mgt1, _ = world.found()
    assert mgt1.collective("log", "loop", "debug").rc == 0
    moves = [[{"from": f"member-{n}-{i}", "to": f"other-{n}-{i}", "nodes": 1} for i in range(64)]
             for n in range(16)]
    for number in range(1000):
        world.etcd.put(world.key(f"history/{number:05}"), json.dumps(
            {"kind": "failover", "at": 1e9 + number, "batch": "b", "moves": moves[number % 16]}))
    seen = len(mgt1.process.lines)
    for _ in range(3):
        answer = mgt1.collective("history", "--json", "-n", "0")
        assert answer.rc == 0, answer
        entries = json.loads(answer.out)["history"]
        assert sum(e.get("nodes", 0) for e in entries) == 64000
    assert all(took < LONGEST / 2 for took, _ in stalls(mgt1, seen)), stalls(mgt1, seen)[-5:]
