"""The socket: upstream's framing and operations, who may do what, hostile peers."""

import json
import os
import socket
import struct
import subprocess
import sys

import pytest

from harness.agent import AGENT
from harness.wait import wait_until
from harness.wire import JSON, TEXT, Closed, Session

HERE = os.path.dirname(os.path.abspath(__file__))


def test_the_greeting_is_upstreams(trio):
    with Session(trio[0].socket, greet=False) as session:
        (head,) = struct.unpack("!I", session._exactly(4))
        assert head >> 24 == TEXT
        assert session._exactly(head & 0xffffff) == b"Confluent -- v4 --"
        (head,) = struct.unpack("!I", session._exactly(4))
        assert head >> 24 == JSON
        assert json.loads(session._exactly(head & 0xffffff)) == {"authpassed": 1}


def test_show_as_upstreams_tool_asks_it(trio):
    with trio[1].session() as session:
        answer = session.collective(operation="show")
        for key in ("leader", "active", "offline", "nonvoting", "quorum"):
            assert key in answer
        assert answer["leader"] == "mgt1" and answer["active"] == ["mgt2", "mgt3"]
        assert session.at_end(), "one answer, then closed"


def test_invite_and_join_as_upstreams_tool_asks_them(world):
    mgt1, _ = world.found()
    with mgt1.session() as session:
        token = session.collective(operation="invite", name="mgt5", role=None)["invitation"]
    world.tokens.append(token)
    joiner = world.agent("mgt5")
    with joiner.session(timeout=30) as session:
        answer = session.collective(operation="join", invitation=token, server=mgt1.server)
    assert answer["status"] == "Success"
    wait_until(joiner.is_active, 10, "the joiner to be active")


def test_failures_come_as_errors(trio_world, trio):
    alone = trio_world.agent("alone")
    with alone.session() as session:
        assert session.collective(operation="show") == {
            "error": "Collective mode not enabled on this system"}
    with alone.session() as session:
        answer = session.collective(operation="join", invitation="garbage", server="127.0.0.1")
        assert answer["error"].startswith("Invalid token format")
    with trio[0].session() as session:
        answer = session.collective(operation="nonsense")
        assert "error" in answer
    with trio[0].session() as session:
        assert "error" in session.collective(operation="delete", member="nosuch")


def test_the_root_is_listed_and_the_unknown_is_not_found(trio):
    with trio[0].session() as session:
        items = [f["item"]["href"] for f in session.ask("retrieve", "/")]
        for wanted in ("nodes/", "noderange/", "nodegroups/", "version"):
            assert wanted in items
        (frame,) = session.ask("retrieve", "/version")
        assert frame["version"]["value"]
        frames = session.ask("retrieve", "/nosuchthing")
        assert frames[-1]["errorcode"] == 404
        assert frames[-1]["error"].startswith("Target not found")


def test_many_requests_at_once_are_answered_in_order(trio):
    with trio[0].session() as session:
        for _ in range(100):
            session.send({"operation": "retrieve", "path": "/version"})
            session.send({"operation": "retrieve", "path": "/nosuchthing"})
        for _ in range(100):
            assert "version" in session.answer()[0]
            assert session.answer()[-1]["errorcode"] == 404


@pytest.mark.parametrize("data", [
    struct.pack("!I", 0), struct.pack("!I", JSON << 24), struct.pack("!I", 1 << 31 | 5) + b"hello",
    struct.pack("!I", 9 << 24 | 2) + b"{}", struct.pack("!I", JSON << 24 | 5) + b"{bad}",
    struct.pack("!I", JSON << 24 | 0xffffff), struct.pack("!I", JSON << 24 | 8) + b"[" * 8,
    b"GET / HTTP/1.1\r\n\r\n", struct.pack("!I", JSON << 24 | 4) + b"\xff\xfe\xfd\xfc"])
def test_bad_frames_end_the_session_and_nothing_else(trio, data):
    with trio[0].session(timeout=5) as session:
        session.send_raw(data)
        session.sock.shutdown(socket.SHUT_WR)
        try:
            while True:
                session.receive()
        except (Closed, ConnectionError, ValueError):
            pass
    assert trio[0].raw_show()["quorum"]


def test_what_is_no_object_is_a_bad_request(trio):
    with trio[0].session() as session:
        session.send([1, 2, 3])
        assert session.receive()["errorcode"] == 400


def test_a_descriptor_sent_is_closed_and_the_session_goes_on(trio):
    with trio[0].session() as session:
        read_end, write_end = os.pipe()
        session.send_descriptor({"filename": "/x", "mode": "r"}, write_end)
        os.close(write_end)
        assert "version" in session.ask("retrieve", "/version")[0]
        assert os.read(read_end, 1) == b"", "nobody holds the other end any more"
        os.close(read_end)


def test_a_reader_that_never_reads_does_not_make_the_agent_grow(trio):
    before = trio[2].process.rss_kib()
    with trio[2].session() as session:
        session.sock.settimeout(0.5)
        try:
            for _ in range(20000):
                session.send({"operation": "retrieve", "path": "/"})
        except TimeoutError:
            pass
        assert trio[2].process.rss_kib() - before < 20000
        assert trio[2].raw_show()["quorum"]


def test_three_hundred_connections_do_not_shut_others_out_for_good(trio):
    crowd = []
    for _ in range(300):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(1)
        try:
            sock.connect(trio[2].socket)
            crowd.append(sock)
        except OSError:
            break
    for sock in crowd:
        sock.close()
    wait_until(lambda: trio[2].raw_show()["quorum"], 5, "the agent to answer again")


AS_NOBODY = """
import json, os, sys
sys.path.insert(0, sys.argv[3])
from harness.wire import Session
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
with Session(sys.argv[1], 5) as s:
    first = s.passed
    s.send({"collective": {"operation": "show"}})
    try:
        second = s.receive()
    except Exception as e:
        second = type(e).__name__
print(json.dumps([first, second]))
"""


def open_to_all(world, agent):
    for folder in (world.folder, agent.home):
        os.chmod(folder, 0o711)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to be somebody else")
@pytest.mark.parametrize("uid", [65534, 54321])
def test_strangers_may_do_nothing_and_break_nothing(trio_world, trio, uid):
    open_to_all(trio_world, trio[0])
    done = subprocess.run([sys.executable, "-c", AS_NOBODY, trio[0].socket, str(uid), HERE],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 or "Closed" in done.stderr or "Connection" in done.stderr, done
    if done.returncode == 0:
        passed, answer = json.loads(done.stdout)
        assert passed == 0
        assert "leader" not in json.dumps(answer)
    assert trio[0].raw_show()["quorum"], "root is still served"


def test_a_stale_socket_is_replaced(world):
    agent = world.agent("mgt1", name="mgt1")
    agent.kill()
    assert os.path.exists(agent.socket), "a killed agent leaves its socket"
    agent.start()
    assert agent.collective("show").rc == 0


def test_a_live_socket_is_refused(world):
    agent = world.agent("mgt1", name="mgt1")
    second = subprocess.run([AGENT, "-c", agent.config_file], capture_output=True, text=True,
                            timeout=20, check=False)
    assert second.returncode != 0
    assert "already running" in second.stderr
    assert agent.answers(), "the first goes on"


def test_a_regular_file_in_the_sockets_place_is_not_removed(world):
    agent = world.agent("mgt1", start=False, name="mgt1")
    with open(agent.socket, "w", encoding="ascii") as f:
        f.write("precious")
    agent.start(wait=False)
    agent.process.expected_exit = True
    assert agent.process.wait(10) != 0
    with open(agent.socket, encoding="ascii") as f:
        assert f.read() == "precious"
