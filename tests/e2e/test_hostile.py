"""Bad luck and bad neighbours: an end in the wrong moment, left-overs, old tokens, floods."""

import json
import os
import stat
import subprocess
import sys
import time

import pytest

from harness.wait import wait_until
from harness.wire import Session


@pytest.mark.parametrize("pause", [0.2, 0.6, 0.9, 1.2, 1.4])
def test_a_member_that_joins_elsewhere_ends_when_told_to_in_the_middle(world, pause):
    mgt1, _ = world.found()
    other = world.agent("other", start=False, name="mgt9", proxied=False)
    other.config["etcd"]["prefix"] = "/other/"
    other.start()
    token = other.invite("mgt1")
    mgt1.network("pass", delay=0.25)
    command = mgt1.spawn("join", other.server, "-i", token)
    wait_until(lambda: world.etcd.get("/other/members/mgt1"), 10, "mgt1 to be registered")
    time.sleep(pause)
    mgt1.term()
    command.communicate(timeout=10)


FLOOD = r"""
import socket, struct, sys, os, time
os.setuid(65534)
body = (b'{"operation":"retrieve","path":"/","parameters":[' + b'1,' * 524000 + b'1]}')[:1 << 20]
frame = struct.pack("!I", 1 << 24 | len(body)) + body
end = time.monotonic() + 6
while time.monotonic() < end:
    socks = [socket.socket(socket.AF_UNIX) for _ in range(30)]
    for sock in socks:
        sock.settimeout(10)
        sock.connect(sys.argv[1])
    for piece in frame[:-1], frame[-1:]:
        for sock in socks:
            try:
                sock.sendall(piece)
            except OSError:
                pass
    for sock in socks:
        sock.close()
"""


def test_strangers_that_send_much_do_not_hold_the_agent_up(world):
    if os.getuid() != 0:
        pytest.skip("becoming somebody else needs root")
    mgt1, _ = world.found()
    for folder in (world.folder, mgt1.home):
        os.chmod(folder, 0o755)
    with subprocess.Popen([sys.executable, "-c", FLOOD, mgt1.socket]) as flood:
        worst = 0
        while flood.poll() is None:
            began = time.monotonic()
            with Session(mgt1.socket, 20) as session:
                session.collective(operation="show")
            worst = max(worst, time.monotonic() - began)
            time.sleep(0.05)
        assert flood.returncode == 0
    assert worst < 0.5, worst
    assert mgt1.is_active()


def test_the_sockets_folder_lets_everybody_in_whatever_the_umask(world):
    mgt1 = world.agent("mgt1", start=False)
    mgt1.socket = os.path.join(mgt1.home, "run", "api.sock")
    mgt1.config["paths"]["socket"] = mgt1.socket
    mgt1.start()
    assert stat.S_IMODE(os.stat(os.path.dirname(mgt1.socket)).st_mode) == 0o755


def test_an_old_token_does_not_undo_what_a_later_invitation_said(world):
    mgt1, first = world.found()
    mgt3 = world.add(mgt1, "mgt3")
    mgt2 = world.agent("mgt2")
    assert mgt2.join(mgt1, first).rc == 0
    mgt2.term()
    wait_until(lambda: not world.etcd.get(world.key("active/mgt2")), 15, "mgt2 to be gone")
    assert mgt1.collective("delete", "mgt2").rc == 0
    second = mgt3.invite("mgt2", "-n")
    mgt2.start()
    assert mgt2.join(mgt3, second).rc == 0
    record = world.etcd.get(world.key("members/mgt2")).value
    assert json.loads(record)["role"] == "nonvoting"
    assert mgt2.join(mgt1, first).rc == 0, "the same key is answered the same way"
    assert world.etcd.get(world.key("members/mgt2")).value == record


def test_a_joiner_killed_while_it_looks_at_etcd_keeps_nothing_of_the_bundle(site):
    world = site(etcds=1, tls="server")
    mgt1, token = world.found()
    mgt2 = world.agent("mgt2", start=False)
    del mgt2.config["etcd"]["ca"]
    mgt2.start()
    mgt2.network("blackhole")
    command = mgt2.spawn("join", mgt1.server, "-i", token)

    def copies():
        return [name for name in os.listdir(mgt2.state_dir) if name.endswith(".pem")]
    wait_until(copies, 10, "mgt2 to look at etcd")
    mgt2.kill()
    command.communicate(timeout=10)
    mgt2.network("pass")
    mgt2.start()
    assert not copies()


def test_a_membership_that_cannot_be_taken_up_is_not_replaced_by_a_new_collective(site):
    world = site(etcds=1, tls="server")
    mgt1, token = world.found()
    mgt2 = world.agent("mgt2", start=False)
    del mgt2.config["etcd"]["ca"]
    mgt2.start()
    wrong = os.path.join(mgt2.state_dir, "etcd-ca.pem")
    os.mkdir(wrong)
    assert mgt2.join(mgt1, token).rc == 1
    page = mgt2.collective("invite", "mgt3")
    assert page.rc == 1 and "member of a collective" in page.err, page
    assert not os.path.exists(mgt2.path("cfg", "founding"))
    os.rmdir(wrong)
    mgt2.restart()
    wait_until(mgt2.is_active, 10, "mgt2 to be active")


def link_local():
    with open("/proc/net/if_inet6", encoding="ascii") as table:
        for line in table:
            digits, _, _, scope, flags, name = line.split()
            if scope == "20" and not int(flags, 16) & 0x40:
                return ":".join(digits[i:i + 4] for i in range(0, 32, 4)) + "%" + name
    return None


def test_joining_over_a_link_local_address(world):
    address = link_local()
    if not address:
        pytest.skip("no link-local address here")
    mgt1, token = world.found()
    mgt2 = world.agent("mgt2")
    page = mgt2.collective("join", f"[{address}]:{mgt1.port}", "-i", token)
    assert page.rc == 0, page


def test_foreign_keys_take_no_members_place(world):
    members = world.collective(2)
    for number in range(600):
        world.etcd.put(world.key(f"members/flood{number}"), "junk")
        world.etcd.put(world.key(f"active/flood{number}"), "junk")
    members[1].restart()
    world.settled(members)
    world.settled([*members, world.add(members[1], "mgt3")])


@pytest.mark.parametrize("field, value", [
    ("role", "nonvoting"), ("key", "sha256:" + 64 * "0"), ("address", "192.0.2.1"), ("port", 1)])
def test_a_record_that_was_edited_or_copied_is_nobodys(world, field, value):
    members = world.collective(2)
    good = world.etcd.get(world.key("members/mgt2")).value
    world.etcd.put(world.key("members/copied"), good)
    world.etcd.put(world.key("members/renamed"), good.replace('"mgt2"', '"renamed"'))
    world.etcd.put(world.key("members/mgt2"), json.dumps({**json.loads(good), field: value}))
    wait_until(lambda: members[1].raw_show().get("state") == "removed", 5, "mgt2 to be out")

    def alone():
        facts = members[0].raw_show()
        return facts["leader"] == "mgt1" and not facts["active"] and not facts["offline"]
    wait_until(alone, 5, "mgt1 to see itself alone")
    world.etcd.put(world.key("members/mgt2"), good)
    world.settled(members)
