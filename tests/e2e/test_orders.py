"""Automatic moves are paused and go on, and what has happened can be read."""

import json
import re

from harness.agent import run_command
from harness.etcdclient import b64
from harness.wait import wait_until

WHEN = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def history(member, *args):
    answer = member.collective("history", "--json", *args)
    assert answer.rc == 0, answer
    return json.loads(answer.out)["history"]


def leads(world, member):
    key = world.leader_key()
    return key and key.value == member.title


def kinds(member):
    return [entry["kind"] for entry in history(member)]


def founded(world):
    """A member that leads and knows that from history."""
    member, _token = world.found()
    wait_until(lambda: kinds(member) == ["leader"], 5, "the first election to be told")
    return member


def test_a_pause_is_told_by_every_member_until_it_ends(world):
    mgt1, mgt2 = world.collective(2)
    answer = mgt1.collective("pause", "--reason", "the switch of row 3 is replaced")
    assert (answer.rc, answer.out, answer.err) == (0, "Automatic moves are paused\n", ""), answer
    banner = (rf"Automatic moves are paused \(since {WHEN} [+-]\d{{4}} by root on mgt1: "
              r"the switch of row 3 is replaced\)\n")
    wait_until(lambda: "paused" in mgt2.raw_show(), 5, "mgt2 to know it")
    for args in [("show",), ("show", "--json"), ("show", "-v"), ("history",), ("rekey", "--status"),
                 ("invite", "--list")]:
        answer = mgt2.collective(*args)
        assert answer.rc == 0 and re.fullmatch(banner, answer.err), answer
    rc, out, err = run_command("nodelist", socket=mgt2.socket)
    assert (rc, out) == (0, "") and re.fullmatch(banner, err), err
    refused = mgt2.collective("delete", "mgt7")
    assert re.fullmatch(banner + "mgt7 is not a recognized collective member\n", refused.err)
    for args in [("show", "--json"), ("history", "--json"), ("rekey", "--status", "--json"),
                 ("invite", "--list", "--json")]:
        paused = json.loads(mgt2.collective(*args).out)["paused"]
        assert (paused["actor"], paused["by"]) == ("root", "mgt1")
        assert paused["reason"] == "the switch of row 3 is replaced"
    again = mgt2.collective("pause")
    assert again.rc == 1 and again.out == ""
    assert re.fullmatch(r"automatic moves are paused already \(by root on mgt1 at "
                        rf"{WHEN} UTC: the switch of row 3 is replaced\)\n", again.err), again
    answer = mgt2.collective("resume")
    assert (answer.rc, answer.out, answer.err) == (0, "Automatic moves are resumed\n", "")
    assert world.etcd.get(world.key("pause")) is None
    answer = mgt2.collective("resume")
    assert (answer.rc, answer.err) == (1, "automatic moves are not paused\n"), answer
    wait_until(lambda: "paused" not in mgt1.raw_show(), 5, "mgt1 to know it")
    assert mgt1.collective("show").err == ""
    told = history(mgt1)
    assert [e["kind"] for e in told] == ["leader", "paused", "resumed"]
    assert [(e["by"], e.get("actor")) for e in told[1:]] == [("mgt1", "root"), ("mgt2", "root")]


def test_of_two_who_pause_at_once_one_is_told_so(world):
    members = world.collective(2)
    running = [m.spawn("pause", "--reason", m.title) for m in members]
    results = [process.communicate(timeout=30) for process in running]
    codes = sorted(process.returncode for process in running)
    assert codes == [0, 1], results
    assert kinds(members[0]).count("paused") == 1


def test_a_pause_by_hand_counts_whatever_it_says(world):
    mgt1 = founded(world)
    world.etcd.put(world.key("pause"), "enough!")
    wait_until(lambda: "paused" in mgt1.raw_show(), 5, "the pause to be seen")
    answer = mgt1.collective("show")
    assert answer.err == "Automatic moves are paused (by an administrator)\n"
    assert mgt1.raw_show(True)["counters"]["odd_keys"] == 1
    assert len(re.findall(r"confluent/pause at revision \d+ can't be read", mgt1.text)) == 1
    assert mgt1.collective("resume").rc == 0
    assert mgt1.raw_show(True)["counters"]["odd_keys"] == 0


def test_every_change_of_leader_is_in_history(world):
    mgt1, mgt2 = world.collective(2)
    wait_until(lambda: leads(world, mgt1), 5, "mgt1 to lead")
    assert mgt1.collective("resign").rc == 0
    wait_until(lambda: len(history(mgt2)) == 3, 5, "the handover to be told")
    first, resigned, second = history(mgt2)
    assert (first["kind"], first["to"], first["reason"]) == ("leader", "mgt1", "nobody led yet")
    assert (resigned["kind"], resigned["from"]) == ("resign", "mgt1")
    assert (second["from"], second["to"]) == ("mgt1", "mgt2")
    assert second["reason"] == "mgt1 resigned"
    assert second["revision"] == str(world.leader_key().create_revision)
    assert resigned["fence"] == first["revision"]
    mgt2.kill()
    wait_until(lambda: leads(world, mgt1), 12, "mgt1 to lead")
    wait_until(lambda: len(history(mgt1)) == 4, 5, "that to be told")
    assert history(mgt1)[3]["reason"] == "the lease of mgt2 ended"
    world.etcd.delete(world.key("leader"))
    wait_until(lambda: len(history(mgt1)) == 5, 10, "the next election to be told")
    assert history(mgt1)[4]["reason"] == "somebody removed the key of mgt1"
    lines = mgt1.collective("history", "-n", "2").out.splitlines()
    assert re.fullmatch(rf"{WHEN}  rev +\d+  leader  mgt2 -> mgt1: the lease of mgt2 ended",
                        lines[0]), lines
    assert len(lines) == 2
    assert mgt1.collective("history", "-n", "x").rc == 2


def test_entries_of_one_batch_are_one_line(world):
    mgt1 = founded(world)
    entry = {"kind": "failover", "at": 1795333837, "by": "mgt1", "actor": "leader",
             "reason": "mgt2 is gone", "batch": "b1", "fence": "12"}
    for number, moves in enumerate([
            [{"from": "mgt2", "to": "mgt1", "nodes": 20}, {"from": "mgt2", "to": "mgt3", "nodes": 31}],
            [{"from": "mgt2", "to": "mgt1", "nodes": 12}]]):
        world.etcd.put(world.key(f"history/20261122T075037.{number}Z-x"),
                       json.dumps(dict(entry, moves=moves)))
    world.etcd.put(world.key("history/20261122T075038Z-y"), '{"kind":"nonsense"}')
    wait_until(lambda: mgt1.raw_show(True)["counters"]["odd_keys"] == 1, 5, "all of it to be seen")
    told = mgt1.collective("history").out.splitlines()
    assert len(told) == 2, told
    assert told[1].endswith("  failover  mgt2 -> mgt1 32, mgt3 31 nodes by leader on mgt1: "
                            "mgt2 is gone"), told
    summed = history(mgt1)[1]
    assert summed["nodes"] == 63 and summed["fence"] == "12"


def test_history_is_told_in_pieces_and_known_after_a_restart(world):
    mgt1 = founded(world)
    for number in range(450):
        world.etcd.put(world.key(f"history/20261122T{number:06}.0Z-x"),
                       '{"kind":"resign","at":1795333837,"from":"mgt%d"}' % number)
    wait_until(lambda: len(history(mgt1, "-n", "0")) == 451, 10, "all to be seen")
    with mgt1.session() as session:
        session.send({"collective": {"operation": "history"}})
        frames = []
        while not frames or frames[-1].get("more"):
            frames.append(session.receive()["collective"])
    pieces = [len(frame["history"]) for frame in frames]
    assert sum(pieces) == 451 and max(pieces) <= 200, "fewer in one where the member is busy"
    assert len(history(mgt1)) == 50
    mgt1.restart()
    wait_until(lambda: mgt1.raw_show()["quorum"], 10, "quorum")
    wait_until(lambda: len(history(mgt1, "-n", "0")) >= 451, 10, "history to be known again")


def test_without_quorum_nothing_is_ordered_and_history_is_old(world):
    mgt1 = founded(world)
    mgt1.cut()
    mgt1.network("refuse")
    wait_until(lambda: not mgt1.raw_show()["quorum"], 20, "quorum to be lost")
    answer = mgt1.collective("pause")
    assert (answer.rc, answer.err) == (1, "Collective does not have quorum\n"), answer
    answer = mgt1.collective("history")
    assert answer.rc == 0 and "nobody led yet" in answer.out
    assert answer.err.startswith("Showing what was known "), answer


def test_a_leader_can_resign_when_etcd_has_no_space_for_its_entry(site):
    world = site(etcds=1, flags=["--quota-backend-bytes", str(16 << 20)])
    mgt1, _mgt2 = world.collective(2)
    filler = b64("x" * 1_000_000)
    while not world.etcd.alarms():
        try:
            world.etcd.call("/v3/kv/put", {"key": b64("/filler"), "value": filler})
        except OSError as error:
            assert "space" in str(error)
    before = len(world.etcd.list(world.key("history/")))
    mgt1.process.expected_exit = True
    mgt1.process.signal(15)
    wait_until(lambda: not world.leader_key(), 3, "the leader key to be gone", every=0.01)
    assert mgt1.process.wait(10) == 0
    assert len(world.etcd.list(world.key("history/"))) == before


def test_a_reason_is_one_line(world):
    mgt1 = founded(world)
    for reason in ["two\nlines", "x" * 501]:
        answer = mgt1.collective("pause", "--reason", reason)
        assert answer.rc == 1 and answer.err.startswith("the reason "), answer
    assert mgt1.collective("pause", "--reason", "größer als je").rc == 0


def test_a_blank_reason_is_none(world):
    mgt1 = founded(world)
    answer = mgt1.collective("pause", "--reason", "  ", "--json")
    assert answer.rc == 0, answer
    assert json.loads(answer.out)["status"] == "Automatic moves are paused", answer
    assert not json.loads(mgt1.collective("history", "--json").out)["history"][-1].get("reason")
    order = json.loads(world.etcd.get(world.key("pause")).value)
    assert not order.get("reason"), order
    answer = mgt1.collective("resume", "--json")
    assert (answer.rc, json.loads(answer.out)) == (0, {"status": "Automatic moves are resumed"})
