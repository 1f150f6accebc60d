"""Managers, orders and history as somebody may put them into etcd, and clients that ask without end: what
is told is harmless, and the loop is never busy for long."""

import re
import threading
import time

from harness.agent import run_command

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
