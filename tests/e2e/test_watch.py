"""`collective watch`: one ordered stream of what happens to leader, quorum, members and managers."""

import json
import queue
import signal
import threading
import time

import pytest

from harness.agent import run_command
from harness.wait import wait_until


class Watch:
    """`collective watch --json` (or a text), read line by line on a thread of its own."""

    def __init__(self, agent, *args, as_json=True):
        self.popen = agent.spawn("watch", *(["--json"] if as_json else []), *args)
        self.as_json = as_json
        self.frames = []
        self.notes = []
        self._lines = queue.Queue()
        for stream, put in ((self.popen.stdout, self._lines.put),
                            (self.popen.stderr, self.notes.append)):
            threading.Thread(target=self._read, args=(stream, put), daemon=True).start()

    @staticmethod
    def _read(stream, put):
        for line in stream:
            put(line.rstrip("\n"))

    def next(self, deadline=15):
        line = self._lines.get(timeout=deadline)
        frame = json.loads(line) if self.as_json else line
        self.frames.append(frame)
        return frame

    def until(self, what, deadline=15):
        """The first frame from here on for which what(frame) holds."""
        end = time.monotonic() + deadline
        while True:
            try:
                frame = self.next(max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not seen within {deadline} s; seen: {self.frames[-20:]}, "
                                     f"notes: {self.notes}") from None
            if what(frame):
                return frame

    def event(self, kind, deadline=15, **facts):
        return self.until(lambda f: f["event"] == kind and
                          all(f.get(k.rstrip("_")) == v for k, v in facts.items()), deadline)

    def ready(self):
        return self.event("ready")

    def end(self, signo=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(signo)
        return self.popen.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def nodes(agent, program, *args):
    rc, out, err = run_command(program, *args, socket=agent.socket)
    assert rc == 0, (program, args, out, err)
    return out


def monotonic(frames):
    revisions = [int(f["revision"]) for f in frames if "revision" in f]
    assert revisions == sorted(revisions), revisions
    seqs = [int(f["seq"]) for f in frames if f["event"] not in ("ready", "resync")]
    assert seqs == sorted(seqs), seqs


def test_a_watch_begins_with_how_things_are_and_goes_on_with_what_happens(world):
    mgt1, mgt2 = world.collective(2)
    nodes(mgt1, "nodedefine", "n1-n40")
    nodes(mgt1, "nodeattrib", "n1-n40", "collective.manager=mgt2")
    nodes(mgt1, "nodeattrib", "n7", "collective.manager=mgt1")
    wait_until(lambda: "mgt2" in nodes(mgt2, "nodeattrib", "n40", "collective.manager"), 10, "the copy")
    with Watch(mgt2) as watch:
        watch.ready()
        seen = {f["event"]: f for f in watch.frames}
        assert seen["leader"]["to"] == "mgt1" and seen["quorum"]["quorum"] is True
        assert {f["name"]: f["active"] for f in watch.frames if f["event"] == "member"} == {
            "mgt1": True, "mgt2": True}
        managed = {f["to"]: f for f in watch.frames if f["event"] == "manager"}
        assert managed["mgt1"]["nodes"] == ["n7"] and managed["mgt1"]["from"] == ""
        assert managed["mgt2"]["nodes"] == [f"n{i}" for i in range(1, 41) if i != 7]
        assert managed["mgt2"]["count"] == 39

        nodes(mgt1, "nodeattrib", "n1-n3", "collective.manager=mgt1")
        moved = []
        while len(moved) < 3:
            frame = watch.event("manager", from_="mgt2", to="mgt1")
            moved += frame["nodes"]
        assert moved == ["n1", "n2", "n3"]
        key = world.etcd.get(world.key("nodes/n3/collective.manager"))
        assert int(watch.frames[-1]["revision"]) >= key.mod_revision

        nodes(mgt1, "noderemove", "n5")
        frame = watch.event("manager", from_="mgt2", to="")
        assert frame["nodes"] == ["n5"] and frame["gone"] is True

        mgt1.collective("resign")
        frame = watch.event("leader", to="mgt2")
        assert int(frame["revision"]) >= world.leader_key().create_revision
        mgt1.kill()
        watch.event("member", name="mgt1", active=False)
        mgt1.start()
        watch.event("member", name="mgt1", active=True)
        monotonic(watch.frames)


def test_a_failover_is_seen_as_it_happens(world):
    mgt1, mgt2 = world.collective(2)
    nodes(mgt1, "nodedefine", "n1-n50", "collective.manager=mgt2",
          "collective.managercandidates=mgt1,mgt2")
    with Watch(mgt1) as watch:
        watch.ready()
        mgt2.kill()
        gone = watch.event("member", name="mgt2", active=False)
        moved = set()
        while len(moved) < 50:
            frame = watch.event("manager", from_="mgt2", to="mgt1")
            assert int(frame["revision"]) > int(gone["revision"])
            moved |= set(frame["nodes"])
        monotonic(watch.frames)


def test_the_text_says_the_same_in_words(world):
    (mgt1,) = world.collective(1)
    nodes(mgt1, "nodedefine", "n1-n32", "collective.manager=mgt1")
    with Watch(mgt1, as_json=False) as watch:
        watch.until(lambda line: "mgt1 leads" in line)
        watch.until(lambda line: "mgt1 is online" in line)
        watch.until(lambda line: "(32 nodes): mgt1" in line)
        nodes(mgt1, "nodeattrib", "n4", "collective.manager=mgt9")
        line = watch.until(lambda line: "->" in line)
        assert line.endswith(": n4 (1 node): mgt1 -> mgt9"), line
        assert line[4] == "-" and " rev " in line
        assert watch.end(signal.SIGINT) in (130, -signal.SIGINT)


def test_quorum_that_is_lost_and_comes_back_is_told(world):
    (mgt1,) = world.collective(1)
    with Watch(mgt1) as watch:
        watch.ready()
        mgt1.network("blackhole")
        watch.event("quorum", quorum=False)
        watch.event("leader", from_="mgt1", to="")
        mgt1.network("pass")
        watch.event("quorum", quorum=True, deadline=20)
        watch.event("leader", to="mgt1", deadline=20)
        monotonic(watch.frames)


def test_a_watch_goes_on_after_a_revision_and_says_so_when_it_can_not(world):
    (mgt1,) = world.collective(1)
    nodes(mgt1, "nodedefine", "n1", "collective.manager=mgt1")
    with Watch(mgt1) as watch:
        watch.ready()
        since = int(watch.frames[-1]["revision"])
        nodes(mgt1, "nodeattrib", "n1", "collective.manager=mgt2")
        first = watch.event("manager", to="mgt2")
        nodes(mgt1, "nodeattrib", "n1", "collective.manager=mgt3")
        watch.event("manager", to="mgt3")
    with Watch(mgt1, "--since", str(since)) as watch:
        watch.ready()
        told = [f["to"] for f in watch.frames if f["event"] == "manager"]
        assert told == ["mgt2", "mgt3"], watch.frames
    with Watch(mgt1, "--since", first["revision"]) as watch:
        watch.ready()
        assert [f["to"] for f in watch.frames if f["event"] == "manager"] == ["mgt3"]
    for strange in ("1", "999999999"):
        with Watch(mgt1, "--since", strange) as watch:
            assert watch.next()["event"] == "resync"
            watch.ready()
            assert [f["nodes"] for f in watch.frames if f["event"] == "manager"] == [["n1"]]
    assert mgt1.collective("watch", "--since", "soon").rc == 2


def test_a_watch_outlives_a_restart_of_the_agent(world):
    (mgt1,) = world.collective(1)
    nodes(mgt1, "nodedefine", "n1", "collective.manager=mgt1")
    with Watch(mgt1) as watch:
        watch.ready()
        began = time.monotonic()
        mgt1.term()
        assert time.monotonic() - began < 3, "a watch does not hold up the end of the agent"
        watch.event("end")
        nodes_were = len(watch.frames)
        mgt1.start()
        watch.event("resync", deadline=20)
        watch.ready()
        assert any(f["event"] == "manager" for f in watch.frames[nodes_were:])
        nodes(mgt1, "nodeattrib", "n1", "collective.manager=mgt2")
        watch.event("manager", to="mgt2")
        mgt1.kill()
        mgt1.start()
        watch.ready()
        assert any("gone away" in note for note in watch.notes), watch.notes


def test_who_was_interrupted_amid_a_revision_gets_all_of_it_from_another_run(world):
    (mgt1,) = world.collective(1)
    nodes(mgt1, "nodedefine", "n1", "collective.manager=mgt1")
    nodes(mgt1, "nodedefine", "n2", "collective.manager=mgt2")
    with Watch(mgt1) as watch:
        watch.ready()
        nodes(mgt1, "nodeattrib", "n1,n2", "collective.manager=mgt3")
        first = watch.event("manager", to="mgt3")
        second = watch.event("manager", to="mgt3")
    assert first["revision"] == second["revision"] and first["nodes"] != second["nodes"]
    with mgt1.session() as session:
        session.send({"collective": {"operation": "watch", "since": first["revision"],
                                     "run": "another", "seq": first["seq"]}})
        seen = []
        while not seen or seen[-1]["event"] != "ready":
            seen.append(session.receive()["collective"])
    assert second["nodes"] in [f.get("nodes") for f in seen], seen


def test_a_slow_reader_is_told_that_it_missed_something(world):
    (mgt1,) = world.collective(1)
    nodes(mgt1, "nodedefine", "a-rather-long-name-that-fills-what-the-kernel-keeps-n1-"
          "a-rather-long-name-that-fills-what-the-kernel-keeps-n2500")
    with mgt1.session() as session:
        session.send({"collective": {"operation": "watch"}})
        while session.receive()["collective"]["event"] != "ready":
            pass
        # nobody reads while more happens than the window holds
        for turn in range(48):
            nodes(mgt1, "nodegroupattrib", "everything", f"collective.manager=mgt{turn % 3}")
        seen = []
        while "resync" not in seen:
            seen.append(session.receive()["collective"]["event"])
        owner = {}
        while True:
            frame = session.receive()["collective"]
            if frame["event"] == "ready":
                break
            if frame["event"] == "manager":
                owner.update({n: frame["to"] for n in frame["nodes"]})
        assert len(owner) == 2500 and set(owner.values()) == {"mgt2"}


def test_too_many_watchers_are_refused_with_words(world):
    (mgt1,) = world.collective(1)
    sessions = []
    try:
        for _ in range(64):
            sessions.append(mgt1.session())
            sessions[-1].send({"collective": {"operation": "watch"}})
            assert sessions[-1].receive()["collective"]["event"] == "leader"
        with mgt1.session() as one_more:
            assert "64" in one_more.collective(operation="watch")["error"]
        sessions.pop().close()
        wait_until(lambda: not _refused(mgt1), 5, "a place to be free again")
    finally:
        for session in sessions:
            session.close()


def _refused(agent):
    with agent.session() as session:
        return "error" in session.collective(operation="watch")


@pytest.mark.parametrize("message", [{"since": "soon"}, {"since": -1}, {"since": {}},
                                     {"since": 1, "seq": "x"}, {"since": 1, "run": 7}])
def test_what_is_no_revision_is_refused(trio, message):
    with trio[0].session() as session:
        assert "since" in session.collective(operation="watch", **message)["error"] or \
            "seq" in str(message) or "run" in str(message)


def test_outside_a_collective_there_is_nothing_to_watch(world):
    lone = world.agent("lone")
    answer = lone.collective("watch")
    assert answer.rc == 1 and "Collective mode not enabled" in answer.err
