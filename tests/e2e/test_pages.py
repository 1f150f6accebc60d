"""The pages of the manual, word for word, on three members and three etcd processes."""

import base64
import os
import re
import shlex
import subprocess
import time

import pytest

from harness.agent import COMMAND, run_command
from harness.wait import wait_until

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def read_page(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as page:
        return page.read()


def literals(page, heading):
    """What is indented in that section of a text, or literal in the EXAMPLES of a manual page."""
    if page.startswith(".Dd "):
        examples = page.split(f"\n.Sh {heading}\n")[1].split("\n.Sh ")[0]
        found = re.findall(r"\n?\.Bd -literal[^\n]*\n(.*?)\n\.Ed", examples, re.DOTALL)
        return [line.replace(r"\(aq", "'") for block in found for line in block.split("\n")]
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [line[4:] for line in section.split("\n") if line.startswith("    ")]


def commands_in(lines):
    """(command, lines of its answer), in order; what is in round brackets is a command, too."""
    found = []
    for line in lines:
        if line.startswith("# "):
            found.append((line[2:], []))
        elif line.startswith("("):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return found


def timeless(lines):
    """The same without times and revisions."""
    lines = [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE", line) for line in lines]
    return [re.sub(r"\brev +\d+", "rev N", line) for line in lines]


def test_three_members_form_a_collective_as_the_manual_shows(world3):
    mgt1 = world3.agent("mgt1", name="mgt1")
    mgt2 = world3.agent("mgt2", name="mgt2")
    mgt3 = world3.agent("mgt3", name="mgt3")

    page = mgt1.collective("show")
    assert (page.rc, page.out, page.err) == (0, "Collective mode not enabled on this system\n", "")

    page = mgt1.collective("invite", "mgt2")
    assert page.rc == 0
    token = page.out.rstrip("\n")
    world3.tokens.append(token)
    assert re.fullmatch(r"[A-Za-z0-9+/]+", token), "one line of base64 without padding"
    raw = base64.b64decode(token)
    assert raw.startswith(b"mgt2@") and len(raw) >= len(b"mgt2@") + 64

    page = mgt2.join(mgt1, token)
    assert page.rc == 0, page
    assert page.out in ("Success\n", "Certificate generated successfully\nSuccess\n")
    wait_until(mgt2.is_active, 10, "mgt2 to be active")
    wait_until(lambda: mgt2.leader() == "mgt1", 10, "mgt2 to know the leader")
    page = mgt2.collective("show")
    assert (page.rc, page.err) == (0, "")
    assert page.out == ("Quorum: True\n"
                        "Leader: mgt1\n"
                        "Active collective members:\n"
                        "    mgt2\n")

    token = mgt2.invite("mgt3")
    page = mgt3.collective("join", mgt2.server, stdin=token + "\n")
    assert page.rc == 0, page
    assert (page.out + page.err).count("Paste the invitation here: ") == 1
    assert page.out.endswith("Success\n")
    world3.settled([mgt1, mgt2, mgt3])
    for member in (mgt1, mgt2, mgt3):
        page = member.collective("show")
        assert (page.rc, page.err) == (0, "")
        assert page.out == ("Quorum: True\n"
                            "Leader: mgt1\n"
                            "Active collective members:\n"
                            "    mgt2\n"
                            "    mgt3\n"), member.title


def test_a_certificate_is_announced_only_when_there_was_none(world):
    mgt1, token = world.found()
    fresh = world.agent("fresh")
    page = fresh.join(mgt1, token)
    assert page.out == "Certificate generated successfully\nSuccess\n"
    prepared = world.agent("prepared")
    page = prepared.collective("gencert")
    assert (page.rc, page.out) == (0, "Certificate generated successfully\n")
    page = prepared.join(mgt1, mgt1.invite("mgt3"))
    assert (page.rc, page.out) == (0, "Success\n")


def test_inviting_and_joining_work_as_one_pipeline(world):
    mgt1 = world.agent("mgt1", name="mgt1")
    mgt2 = world.agent("mgt2")
    line = (f"{COMMAND} -s {mgt2.socket} join {mgt1.server} "
            f"-i $({COMMAND} -s {mgt1.socket} invite mgt2)")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0, done
    assert done.stdout.endswith("Success\n")
    wait_until(mgt2.is_active, 10, "mgt2 to be active")


def test_a_certificate_made_on_the_way_is_told_on_standard_error(world):
    mgt1 = world.agent("mgt1", name="mgt1")
    page = mgt1.collective("invite", "mgt2")
    assert page.rc == 0
    assert page.out.count("\n") == 1, "the token alone"
    assert page.err == "Certificate generated successfully\n"
    page = mgt1.collective("invite", "mgt3")
    assert page.out.count("\n") == 1
    assert page.err == ""


def test_members_that_are_gone_follow_as_offline_and_the_nonvoting_are_marked(world):
    mgt1, mgt2 = world.collective(2)
    quiet = world.add(mgt1, "mgt10", "-n")
    world.settled([mgt1, mgt2, quiet])
    assert mgt1.collective("show").out == ("Quorum: True\n"
                                           "Leader: mgt1\n"
                                           "Active collective members:\n"
                                           "    mgt2\n"
                                           "    mgt10 (nonvoting)\n")
    quiet.kill()
    wait_until(lambda: "mgt10" in mgt1.raw_show()["offline"], 15, "mgt10 to be offline")
    assert mgt1.collective("show").out == ("Quorum: True\n"
                                           "Leader: mgt1\n"
                                           "Active collective members:\n"
                                           "    mgt2\n"
                                           "Offline collective members:\n"
                                           "    mgt10 (nonvoting)\n")


def test_a_nonvoting_member_never_leads(world):
    mgt1, _ = world.found()
    quiet = world.add(mgt1, "quiet", "-n")
    wait_until(quiet.is_active, 10, "the non-voting member to be active")
    mgt1.kill()
    wait_until(lambda: world.leader_key() is None, 10, "the leader key to be gone")
    seen_until = time.monotonic() + 5
    wait_until(lambda: world.leader_key() is not None or time.monotonic() > seen_until, 8,
               "nobody to take the lead")
    assert world.leader_key() is None
    assert quiet.collective("show").rc == 0
    mgt1.start()
    wait_until(lambda: quiet.leader() == "mgt1", 15, "the voting member to lead again")


def test_show_outside_a_collective_says_so_and_delete_fails(world):
    alone = world.agent("alone")
    page = alone.collective("show")
    assert (page.rc, page.out, page.err) == (0, "Collective mode not enabled on this system\n", "")
    page = alone.collective("delete", "mgt2")
    assert page.rc == 1
    assert page.err == "Collective mode not enabled on this system\n"


def run_page(member, name, heading, passed_over=(), events=None):
    """Runs the commands of a page, in order, and compares; an answer may end with an ellipsis. What
    is in brackets is not typed but happens: events has what makes it."""
    run = 0
    for line, wanted in commands_in(literals(read_page(name), heading)):
        if line.startswith("("):
            events[line]()
            continue
        words = shlex.split(line)
        if words[0] in passed_over:
            continue
        _, out, err = run_command(*words, socket=member.socket)
        wanted, answers = timeless(wanted), [timeless((out + err).splitlines()),
                                             timeless((err + out).splitlines())]
        if wanted and wanted[-1] == "…":
            wanted = wanted[:-1]
            answers = [answer[:len(wanted)] for answer in answers]
        assert wanted in answers, f"{name}: {line}: {answers[0]}"
        run += 1
    return run


@pytest.fixture(name="mgt1")
def make_mgt1(world):
    mgt1, token = world.found()
    assert world.agent("mgt2").join(mgt1, token).rc == 0
    return mgt1


def test_the_commands_for_nodes_answer_as_the_guide_shows(mgt1):
    assert run_page(mgt1, "docs/guide.md", "Nodes and groups") >= 15


class Trio:
    """Three members, and what happens in brackets in the pages."""

    def __init__(self, world):
        self.members = world.collective(3)
        self.world = world
        self.mgt1, self.mgt2, _ = self.members
        self.events = {"(mgt2 loses power)": self.mgt2_dies, "(mgt2 is back)": self.mgt2_returns}

    def mgt2_dies(self):
        self.mgt2.kill()
        wait_until(lambda: "mgt2" in self.mgt1.raw_show()["offline"], 15, "mgt2 to be offline")
        wait_until(lambda: "mgt2 (offline): no nodes\n" in self.mgt1.collective("nodes").out, 5,
                   "its nodes to have other managers")

    def mgt2_returns(self):
        self.mgt2.start()
        self.world.settled(self.members)

    def run(self, name, heading):
        return run_page(self.mgt1, name, heading, events=self.events)


def test_managers_follow_their_members_as_the_guide_shows(world):
    trio = Trio(world)
    assert trio.run("docs/guide.md", "Managers of nodes") >= 15
    assert trio.run("docs/guide.md", "Planned work on members") >= 10
    assert trio.mgt1.collective("nodes").err == "", "nothing is paused any more"


def test_managers_follow_their_members_as_the_readme_shows(world):
    assert Trio(world).run("README.md", "Managers that follow their members") >= 7


def test_the_hook_of_the_guide_makes_a_file_for_each_node(world, tmp_path):
    lines = literals(read_page("docs/guide.md"), "Programs that must know")
    first = lines.index("#!/bin/sh")
    script = lines[first:lines.index("done") + 1]
    mgt1, _ = world.found()
    os.mkdir(mgt1.path("hooks.d"), 0o755)
    hook = mgt1.path("hooks.d", "manager-gained")
    with open(os.open(hook, os.O_CREAT | os.O_WRONLY, 0o755), "w", encoding="utf-8") as f:
        f.write("\n".join(script).replace("/run/my-nodes", str(tmp_path / "nodes")) + "\n")
    rc, _, err = run_command("nodedefine", "n1-n3", "collective.manager=mgt1", socket=mgt1.socket)
    assert rc == 0, err
    wait_until(lambda: sorted(os.listdir(tmp_path / "nodes")) == ["n1", "n2", "n3"], 10,
               "a file for each node")


def test_the_commands_for_nodes_answer_as_the_readme_shows(mgt1):
    assert run_page(mgt1, "README.md", "Nodes, groups, attributes", ["etcdctl"]) >= 6


def test_the_manual_pages_of_the_commands_for_nodes_show_what_they_print(mgt1):
    assert run_page(mgt1, "docs/nodedefine.8", "EXAMPLES") == 2
    assert run_page(mgt1, "docs/noderename.8", "EXAMPLES") == 1
    assert run_page(mgt1, "docs/nodegroupdefine.8", "EXAMPLES") == 2

    def sh(line):
        assert run_command(*line.split(), socket=mgt1.socket)[0] == 0, line
    sh("noderemove r1u1,r1u2")
    sh("nodedefine n1,n3 groups=rack1 collective.manager=mgt1")
    sh("nodedefine n2 groups=rack1")
    assert run_page(mgt1, "docs/nodelist.8", "EXAMPLES") == 2
    sh("nodedefine n9 groups=compute")
    sh("noderemove n3")
    assert run_page(mgt1, "docs/nodegroupattrib.8", "EXAMPLES") == 3
