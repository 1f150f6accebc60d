"""Managers, orders and history as somebody may put them into etcd, and clients that ask without end: what
is told is harmless, and the loop is never busy for long."""

import contextlib
import json
import os
import re
import threading
import time

import pytest

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
    # hundreds of entries may come through the watch as one message, which is read in one go
    assert all(took < (LONGEST if what == "etcd watch" else LONGEST / 2)
               for took, what in stalls(mgt1, seen)), stalls(mgt1, seen)[-5:]


def test_programs_are_given_nothing_that_a_shell_may_take_for_more_than_a_name(world):
    mgt1 = world.agent("mgt1", start=False, name="mgt1")
    out = os.path.join(mgt1.home, "told")
    os.makedirs(mgt1.path("hooks.d"), mode=0o755)
    for event in ("manager-gained", "manager-lost"):
        with open(os.open(mgt1.path("hooks.d", event), os.O_CREAT | os.O_WRONLY, 0o755), "w",
                  encoding="ascii") as f:
            f.write(f"#!/bin/sh\nenv >>{out}; ls /proc/self/fd | tr '\\n' ' ' >>{out}\n"
                    f"grep -E 'Sig(Blk|Ign)' /proc/self/status >>{out}\necho >>{out} ended\n")
    mgt1.start()
    mgt1.invite("mgt2")
    wait_until(mgt1.is_active, 10, "mgt1 to be active")
    nodes(mgt1, "nodedefine", "n1", "collective.manager=mgt1")

    def told(times):
        wait_until(lambda: os.path.exists(out) and
                   open(out, encoding="utf-8").read().count("ended\n") == times, 15, "a hook")
        with open(out, encoding="utf-8") as f:
            return f.read()
    told(1)
    world.etcd.put(world.key("nodes/n1/collective.manager"), "$(reboot);() { :;}; x")
    told(2)
    world.etcd.put(world.key("nodes/n1/collective.manager"), "mgt1")
    text = told(3)
    assert "reboot" not in text
    assert text.count("COLLECTIVE_FROM=mgt1\n") == 1
    assert text.count("COLLECTIVE_TO=mgt1\n") == 2
    assert set(re.findall(r"^0 1 2 3 (?=Sig)|^0 1 2 3 .*", text, re.M)) == {"0 1 2 3 "}, text
    # but the two that belong to the C library, which nobody can set back
    masks = re.findall(r"Sig(?:Blk|Ign):\s*([0-9a-f]+)", text)
    assert masks and not any(int(mask, 16) & ~(3 << 31) for mask in masks), text


@pytest.mark.skipif(os.getuid() != 0, reason="another user can't be tried")
def test_readers_that_watch_leave_room_for_root(world):
    mgt1, _ = world.found()
    mgt1.config["api"] = {"read_group": "nogroup"}
    for folder in (world.folder, mgt1.home):
        os.chmod(folder, 0o711)
    mgt1.restart()
    wait_until(mgt1.is_active, 15, "it to be back")
    with contextlib.ExitStack() as stack:
        def watch():
            session = stack.enter_context(Session(mgt1.socket, 10))
            return session.collective(operation="watch")
        os.setgroups([])
        os.setegid(65534)
        os.seteuid(65534)
        try:
            readers = [watch() for _ in range(40)]
        finally:
            os.seteuid(0)
            os.setegid(0)
        assert ["error" in frame for frame in readers] == [False] * 32 + [True] * 8, readers[-9:]
        assert not any("error" in watch() for _ in range(32))
        assert "error" in watch()
