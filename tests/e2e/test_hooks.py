"""Hooks: programs in hooks.d that are told what happens, and can't harm the agent."""

import os
import time

import pytest

from harness.agent import run_command
from harness.wait import wait_until


def nodes(agent, program, *args):
    rc, out, err = run_command(program, *args, socket=agent.socket)
    assert rc == 0, (program, args, out, err)
    return out


class Hooks:
    """Programs that write down what they were told, in a file each run."""

    EVENTS = ("leader", "follower", "quorum-lost", "quorum-regained", "member-online",
              "member-offline", "manager-gained", "manager-lost")

    def __init__(self, agent):
        self.folder = agent.path("hooks.d")
        self.out = os.path.join(agent.home, "told")
        os.makedirs(self.folder, mode=0o755)
        os.makedirs(self.out)

    def add(self, event, body=None, mode=0o755):
        path = os.path.join(self.folder, event)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if body is None:
            body = (f"f=$(mktemp {self.out}/.XXXXXX)\n"
                    "{ env | grep ^COLLECTIVE_; echo --; cat; } >$f\n"
                    f"n=$(ls {self.out} | wc -l); mv $f {self.out}/$(printf %04d $n)\n")
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n" + body)
        os.chmod(path, mode)
        return path

    def add_all(self):
        for event in self.EVENTS:
            self.add(event)
        return self

    def told(self):
        """[(environment, lines of standard input)] in the order of the runs."""
        found = []
        for name in sorted(n for n in os.listdir(self.out) if not n.startswith(".")):
            with open(os.path.join(self.out, name), encoding="utf-8") as f:
                env, _, rest = f.read().partition("--\n")
            facts = dict(line.split("=", 1) for line in env.splitlines())
            found.append(({k.removeprefix("COLLECTIVE_").lower(): v for k, v in facts.items()},
                          rest.splitlines()))
        return found

    def of(self, event):
        return [(env, lines) for env, lines in self.told() if env["event"] == event]

    def wait(self, event, number=1, deadline=20):
        wait_until(lambda: len(self.of(event)) >= number, deadline,
                   f"{event} to be told {number} times")
        return self.of(event)[number - 1]


def member_with_hooks(world, fill=Hooks.add_all):
    """mgt1, which leads, and its hooks."""
    mgt1 = world.agent("mgt1", start=False, name="mgt1")
    hooks = Hooks(mgt1)
    fill(hooks)
    mgt1.start()
    mgt1.invite("mgt2")
    wait_until(mgt1.is_active, 10, "mgt1 to be active")
    return mgt1, hooks


def test_hooks_are_told_what_happens_in_order(world):
    mgt1, hooks = member_with_hooks(world)
    env, lines = hooks.wait("leader")
    assert env["member"] == "mgt1" and env["leader"] == "mgt1" and env["quorum"] == "yes"
    assert lines == [] and "nodes" not in env and "name" not in env
    assert int(env["revision"]) >= world.leader_key().create_revision
    assert abs(int(env["time"]) - time.time()) < 60

    mgt2 = world.add(mgt1, "mgt2")
    env, _ = hooks.wait("member-online")
    assert env["name"] == "mgt2"

    nodes(mgt1, "nodedefine", "n1-n300", "collective.manager=mgt1")
    wait_until(lambda: sum(len(lines) for _, lines in hooks.of("manager-gained")) == 300, 20,
               "all nodes to be told")
    told = [n for _, lines in hooks.of("manager-gained") for n in lines]
    assert sorted(told) == sorted(f"n{i}" for i in range(1, 301))
    assert all(int(env["nodes"]) == len(lines) for env, lines in hooks.of("manager-gained"))

    nodes(mgt1, "nodeattrib", "n7", "collective.manager=mgt2")
    env, lines = hooks.wait("manager-lost")
    assert lines == ["n7"] and env["to"] == "mgt2" and env["from"] == "mgt1"
    nodes(mgt1, "noderemove", "n8")
    env, lines = hooks.wait("manager-lost", 2)
    assert lines == ["n8"] and "to" not in env

    mgt1.collective("resign")
    env, _ = hooks.wait("follower")
    assert env["from"] == "mgt1" and env.get("to", "mgt2") == "mgt2"
    mgt2.kill()
    env, _ = hooks.wait("member-offline")
    assert env["name"] == "mgt2"
    mgt1.network("blackhole")
    assert hooks.wait("quorum-lost")[0]["quorum"] == "no"
    mgt1.network("pass")
    assert hooks.wait("quorum-regained")[0]["quorum"] == "yes"
    revisions = [int(env["revision"]) for env, _ in hooks.told()]
    assert revisions == sorted(revisions)
    runs = mgt1.raw_show(True)["hooks"]
    assert runs["last"] and all(r["status"] == 0 for r in runs["last"]), runs
    assert "manager-lost" in mgt1.collective("show", "-v").out


def test_after_a_restart_a_hook_is_told_what_the_member_manages_and_leads(world):
    mgt1, hooks = member_with_hooks(world)
    nodes(mgt1, "nodedefine", "n1-n5", "collective.manager=mgt1")
    nodes(mgt1, "nodedefine", "n6", "collective.manager=mgt9")
    wait_until(lambda: sum(len(x) for _, x in hooks.of("manager-gained")) == 5, 20, "n1 to n5")
    before = len(hooks.told())
    mgt1.restart()
    wait_until(lambda: {"leader", "manager-gained"} <= {e["event"] for e, _ in
                                                        hooks.told()[before:]}, 20,
               "leader and manager-gained to be told again")
    gained = [(e, x) for e, x in hooks.told()[before:] if e["event"] == "manager-gained"]
    assert [x for _, x in gained] == [[f"n{i}" for i in range(1, 6)]]
    assert {e["event"] for e, _ in hooks.told()[before:]} == {"leader", "manager-gained"}


def test_programs_of_a_folder_run_in_order_and_those_left_behind_do_not(world):
    def fill(hooks):
        for name in ("leader", "leader.d/20-b", "leader.d/10-a"):
            hooks.add(name, f"echo {name} >>{hooks.out}/order\n")
        for name in ("leader.d/30-c.rpmsave", "leader.d/.hidden", "leader.d/40~",
                     "leader.d/50.dpkg-old"):
            hooks.add(name, f"echo {name} >>{hooks.out}/order\n")
        hooks.add("leader.d/99-end", f": >{hooks.out}/end\n")
    _, hooks = member_with_hooks(world, fill)
    wait_until(lambda: os.path.exists(os.path.join(hooks.out, "end")), 20, "the last program")
    with open(os.path.join(hooks.out, "order"), encoding="ascii") as f:
        assert f.read().split() == ["leader", "leader.d/10-a", "leader.d/20-b"]


@pytest.mark.parametrize("what", ["file", "folder", "link", "nothing", "owner", "plain"])
def test_a_program_that_others_may_write_is_not_run(world, what):
    def fill(hooks):
        path = hooks.add("leader", f": >{hooks.out}/ran\n")
        if what == "file":
            os.chmod(path, 0o777)
        elif what == "folder":
            os.chmod(hooks.folder, 0o777)
        elif what == "owner":
            os.chown(path, 12345, 0)
        elif what == "plain":
            os.chmod(path, 0o644)
        elif what == "nothing":
            os.unlink(path)
            os.symlink(os.path.join(hooks.out, "nothing"), path)
        else:
            open_folder = os.path.join(os.path.dirname(hooks.out), "open")
            os.makedirs(open_folder)
            os.chmod(open_folder, 0o777)
            os.rename(path, os.path.join(open_folder, "leader"))
            os.symlink(os.path.join(open_folder, "leader"), path)
    if what == "owner" and os.geteuid() != 0:
        pytest.skip("only root gives files away")
    mgt1, hooks = member_with_hooks(world, fill)
    wait_until(lambda: "hooks: leader: not run: " in mgt1.text, 10, "the refusal to be logged")
    mgt1.collective("resign")
    assert not os.path.exists(os.path.join(hooks.out, "ran"))
    told = mgt1.raw_show(True)["hooks"]
    assert told["last"] == []
    assert [r["event"] for r in told["refused"]] == ["leader"], told
    assert told["refused"][0]["error"] in mgt1.text and told["refused"][0]["at"] > 1e9
    shown = mgt1.collective("show", "-v").out
    assert "    Not run:\n        leader: " in shown and told["refused"][0]["error"] in shown, shown
    remedies = {"file": "chmod go-w", "folder": "chmod go-w", "link": "chmod go-w",
                "owner": "chown root", "plain": "chmod +x",
                "nothing": f"{hooks.folder}/leader leads to nothing: {hooks.out}/nothing is not there"}
    assert remedies[what] in told["refused"][0]["error"]


def test_a_program_that_may_be_run_again_is_told_no_more(world):
    def fill(hooks):
        os.chmod(hooks.add("manager-gained"), 0o777)
    mgt1, hooks = member_with_hooks(world, fill)
    nodes(mgt1, "nodedefine", "n1", "collective.manager=mgt1")
    wait_until(lambda: mgt1.raw_show(True)["hooks"]["refused"], 10, "the refusal to be told")
    os.chmod(os.path.join(hooks.folder, "manager-gained"), 0o755)
    nodes(mgt1, "nodedefine", "n2", "collective.manager=mgt1")
    hooks.wait("manager-gained")
    assert mgt1.raw_show(True)["hooks"]["refused"] == []


def test_a_hook_inherits_no_descriptor_and_a_plain_environment(world):
    def fill(hooks):
        hooks.add("leader", f"ls /proc/self/fd >{hooks.out}/fds; env >{hooks.out}/.env; "
                            f"mv {hooks.out}/.env {hooks.out}/env\n")
    _, hooks = member_with_hooks(world, fill)
    wait_until(lambda: os.path.exists(os.path.join(hooks.out, "env")), 20, "the hook to have run")
    with open(os.path.join(hooks.out, "fds"), encoding="ascii") as f:
        assert set(f.read().split()) <= {"0", "1", "2", "3"}, "3 is the folder that ls reads"
    with open(os.path.join(hooks.out, "env"), encoding="ascii") as f:
        names = {line.split("=")[0] for line in f}
    assert all(n.startswith("COLLECTIVE_") or n in ("PATH", "PWD", "SHLVL", "_") for n in names)


def test_what_a_hook_writes_that_is_no_text_leaves_show_readable(world):
    """An answer on the socket has to be UTF-8, whatever a program of somebody has written."""
    def fill(hooks):
        hooks.add("leader", r"printf 'Stra\337e \033\377 '; exit 3")
        hooks.add("leader.d/long", r"printf 'a%.0s' 1; printf '\303\244%.0s' $(seq 200); exit 3")
    mgt1, _ = member_with_hooks(world, fill)
    wait_until(lambda: mgt1.text.count("ended with status 3") == 2, 15, "both to have run")
    shown = mgt1.collective("show", "-v")
    assert shown.rc == 0 and shown.err == "", shown
    assert "Stra?e ??" in shown.out, shown.out
    last = mgt1.raw_show(True)["hooks"]["last"]
    assert last[0]["output"].startswith("aää") and last[0]["output"].endswith("ä..."), last


@pytest.mark.parametrize("bad", ["hangs", "forks", "floods", "fails"])
def test_f46_a_hook_that_misbehaves_does_no_harm(world, bad):
    """F46: order is kept, it ends at its deadline, the lease and the leadership are kept."""
    bodies = {
        "hangs": "trap '' TERM; while :; do sleep 1; done\n",
        "forks": "trap '' TERM; for i in 1 2 3 4 5 6 7 8; do ( while :; do sleep 1; done ) & done\n"
                 "wait\n",
        "floods": "yes ''\n",
        "fails": "echo it does not work; exit 3\n",
    }

    def fill(hooks):
        hooks.add("member-online", f"echo $$ >{hooks.out}/.pid\n{bodies[bad]}")
        hooks.add("manager-gained")
    world_leader = world.agent("mgt1", start=False, name="mgt1")
    world_leader.config["hooks"] = {"timeout": 3}
    hooks = Hooks(world_leader)
    fill(hooks)
    world_leader.start()
    token = world_leader.invite("mgt2")
    wait_until(world_leader.is_active, 10, "mgt1 to be active")
    created = wait_until(world.leader_key, 10, "a leader").create_revision
    lease = world.etcd.get(world.key("active/mgt1")).lease
    mgt2 = world.agent("mgt2")
    assert mgt2.join(world_leader, token).rc == 0
    began = time.monotonic()
    wait_until(lambda: os.path.exists(f"{hooks.out}/.pid"), 15, "the hook to run")
    nodes(world_leader, "nodedefine", "n1-n20", "collective.manager=mgt1")
    hooks.wait("manager-gained", deadline=20)
    took = time.monotonic() - began
    if bad != "fails":
        assert took >= 2.5, "the next event waits for the one before it"
        assert "did not end within 3.0s and was stopped" in world_leader.text
    else:
        assert "it does not work" in world_leader.text
    with open(f"{hooks.out}/.pid", encoding="ascii") as f:
        group = int(f.read())
    wait_until(lambda: not _group_lives(group), 5, "all processes of the hook to be gone")
    assert world.leader_key().create_revision == created, "the leader led all the time"
    assert world.etcd.get(world.key("active/mgt1")).lease == lease, "and kept its lease"
    last = world_leader.raw_show(True)["hooks"]["last"]
    failed = [r for r in last if r["event"] == "member-online"]
    assert failed and failed[0]["status"] == (3 if bad == "fails" else -1) and failed[0]["error"]
    assert world_leader.raw_show(True)["loop"]["working_ms"] < 250


def _group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_agent_that_ends_does_not_wait_for_its_hooks(world):
    def fill(hooks):
        hooks.add("leader", f": >{hooks.out}/began; sleep 600\n")
    mgt1, hooks = member_with_hooks(world, fill)
    wait_until(lambda: os.path.exists(os.path.join(hooks.out, "began")), 20, "the hook to run")
    assert mgt1.raw_show(True)["hooks"]["running"] == "leader"
    began = time.monotonic()
    mgt1.term()
    assert time.monotonic() - began < 4
