"""Joining: interrupted at every step, in a crowd, in noise; the joiner is a member or unchanged."""

import concurrent.futures
import os
import random
import socket
import ssl
import threading
import time

import pytest

from harness.wait import wait_until


def picture(agent):
    """All files of the agent's configuration folder with their contents."""
    files = {}
    for folder, _, names in os.walk(agent.config_dir):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                files[os.path.relpath(path, agent.config_dir)] = f.read()
    return files


def joined(world, inviter, joiner, token):
    page = joiner.join(inviter, token)
    assert page.rc == 0, page
    wait_until(joiner.is_active, 10, f"{joiner.title} to be active")


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_join_cut_off_after_any_number_of_bytes_leaves_no_trace_and_can_be_repeated(
        world, direction):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    assert joiner.collective("gencert").rc == 0
    before = picture(joiner)
    way = world.net.proxy(mgt1.port, "join")
    failures = 0
    for count in [0, 1, 5, *range(50, 8000, 150)]:
        way.cut_after(**{direction: count})
        page = joiner.collective("join", f"127.0.0.1:{way.port}", "-i", token)
        if page.rc == 0:
            break
        failures += 1
        assert page.out == "" and page.err, (direction, count, page)
        assert picture(joiner) == before, (direction, count)
        assert joiner.collective("show").out == "Collective mode not enabled on this system\n"
    else:
        pytest.fail("the join never came through")
    assert failures >= 6, "it was cut off in its middle"
    wait_until(joiner.is_active, 10, "mgt2 to be active")
    names = sorted(k.key for k in world.etcd.list(world.key("members/")))
    assert names == [world.key("members/mgt1"), world.key("members/mgt2")]


def test_a_lost_answer_does_not_burn_the_token_for_the_same_key_but_does_for_another(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    assert joiner.collective("gencert").rc == 0
    way = world.net.proxy(mgt1.port, "join")
    # Everything of the server's that is longer than a handshake is lost: it has redeemed by then.
    for count in range(600, 6000, 100):
        way.cut_after(down=count)
        page = joiner.collective("join", f"127.0.0.1:{way.port}", "-i", token)
        assert page.rc == 1, "cut off before the end"
        if world.etcd.get(world.key("members/mgt2")):
            break
    else:
        pytest.fail("the server never registered the joiner")
    thief = world.agent("thief")
    page = thief.join(mgt1, token)
    assert page.rc == 1
    assert "used" in page.err and "127.0.0.1" in page.err
    joined(world, mgt1, joiner, token)


@pytest.mark.parametrize("who", ["joiner", "inviter"])
def test_a_process_killed_in_the_middle_of_a_join_is_started_again_and_the_join_repeated(
        world, who):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    assert joiner.collective("gencert").rc == 0
    way = world.net.proxy(mgt1.port, "join")
    way.set("delay", 0.02)
    before = picture(joiner)
    rng = random.Random(7)
    for attempt in range(12):
        command = joiner.spawn("join", f"127.0.0.1:{way.port}", "-i", token)
        time.sleep(attempt * 0.02 + rng.random() * 0.01)
        victim = joiner if who == "joiner" else mgt1
        victim.kill()
        command.wait(20)
        out, err = command.communicate()
        victim.start()
        if who == "inviter":
            wait_until(mgt1.is_active, 10, "the inviter to be back")
        if command.returncode == 0:
            assert out.endswith("Success\n")
            break
        assert err, "a reason is given"
        state = joiner.collective("show").out
        if not state.startswith("Collective mode"):
            break
        after = {k: v for k, v in picture(joiner).items() if not k.endswith("~")}
        assert {k: after.get(k) for k in before} == before
    if joiner.collective("show").out.startswith("Collective mode"):
        way.set("pass")
        joined(world, mgt1, joiner, token)
    else:
        wait_until(joiner.is_active, 10, "the joiner to be active")
    names = sorted(k.key for k in world.etcd.list(world.key("members/")))
    assert names == [world.key("members/mgt1"), world.key("members/mgt2")]


def test_a_token_redeemed_by_fifty_in_parallel_has_one_winner(world):
    mgt1, token = world.found()
    crowd = [world.agent(f"c{n}", start=False, proxied=False) for n in range(50)]
    for one in crowd:
        one.start(wait=False)
    for one in crowd:
        wait_until(one.answers, 30, "the crowd to be there")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        pages = list(pool.map(lambda one: one.join(mgt1, token, timeout=120), crowd))
    winners = [p for p in pages if p.rc == 0]
    assert len(winners) == 1, pages
    for page in pages:
        if page.rc != 0:
            assert page.rc == 1 and page.out == ""
            assert "Invalid token" in page.err or "Failed to connect" in page.err, page
    assert len(world.etcd.list(world.key("members/"))) == 2


def bad_handshake(port, kind):
    """One connection that is no join: garbage, half a hello, an ordinary TLS client, silence."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.settimeout(10)
        if kind == 0:
            sock.sendall(os.urandom(200))
        elif kind == 1:
            sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(40))
        elif kind == 2:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        elif kind == 3:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            try:
                with context.wrap_socket(sock) as tls:
                    tls.sendall(b"\x01\x00\x00\x02{}")
                    tls.recv(4096)
            except (ssl.SSLError, OSError):
                pass


def test_a_good_join_succeeds_amid_ten_thousand_bad_handshakes(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    total, done, failed = 10_000, [0], [0]
    lock = threading.Lock()
    halfway = threading.Event()

    def noise():
        while True:
            with lock:
                if done[0] >= total:
                    return
                done[0] += 1
                number = done[0]
            if number == total // 10:
                halfway.set()
            try:
                # An ordinary TLS handshake costs the most: one in fifty.
                bad_handshake(mgt1.port, 3 if number % 50 == 0 else number % 3)
            except OSError:
                with lock:
                    failed[0] += 1
    threads = [threading.Thread(target=noise) for _ in range(12)]
    for thread in threads:
        thread.start()
    assert halfway.wait(60)
    page = joiner.join(mgt1, token, timeout=120)
    under_way = done[0]
    for thread in threads:
        thread.join()
    assert page.rc == 0, page
    assert under_way < total, "the join was over before the noise was"
    wait_until(joiner.is_active, 15, "the joiner to be active")
    assert mgt1.raw_show()["quorum"], "the inviter kept its lease"
    assert len(world.leader_history()) == 1, "leadership never moved"


def test_joining_at_a_place_where_nobody_listens_says_so(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    hole = world.net.proxy(mgt1.port, "nobody")
    hole.set("refuse")
    page = joiner.collective("join", f"127.0.0.1:{hole.port}", "-i", token)
    assert page.rc == 1
    assert page.err.startswith(f"Failed to connect to 127.0.0.1:{hole.port}"), page
    page = joiner.collective("join", "no-such-host.invalid", "-i", token)
    assert page.rc == 1
    assert page.err.startswith("Failed to connect to no-such-host.invalid"), page
    joined(world, mgt1, joiner, token)


@pytest.mark.takes(30)
def test_a_server_that_never_answers_is_given_up_on(world):
    _, token = world.found()
    joiner = world.agent("mgt2")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        began = time.monotonic()
        page = joiner.collective("join", f"127.0.0.1:{port}", "-i", token, timeout=60)
        assert page.rc == 1 and page.err, page
        assert time.monotonic() - began < 45


def test_a_joiner_that_cannot_reach_etcd_is_told_and_stays_as_it_was(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    assert joiner.collective("gencert").rc == 0
    before = picture(joiner)
    joiner.network("refuse")
    page = joiner.join(mgt1, token)
    assert (page.rc, page.out) == (1, "")
    assert "etcd" in page.err, page
    assert picture(joiner) == before
    joiner.network("pass")
    joined(world, mgt1, joiner, token)


def test_a_joiner_needs_no_etcd_settings_of_its_own(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2", start=False)
    del joiner.config["etcd"]["endpoints"]
    joiner.start()
    joined(world, mgt1, joiner, token)
    joiner.restart()
    wait_until(joiner.is_active, 10, "it to be active after a restart, too")


def test_the_former_configuration_is_kept_in_a_dated_folder_that_the_log_names(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    assert joiner.collective("gencert").rc == 0
    self_made = picture(joiner)["srvcert.pem"]
    joined(world, mgt1, joiner, token)
    first = picture(joiner)
    joined(world, mgt1, joiner, mgt1.invite("mgt9"))
    now = picture(joiner)
    assert now["privkey.pem"] == first["privkey.pem"], "the key stays"
    for name, old in (("srvcert.pem", self_made), ("srvcert.pem", first["srvcert.pem"]),
                      ("collective", first["cfg/collective"]), ("myname", b"mgt2\n")):
        kept = [path for path, data in now.items()
                if data == old and os.path.basename(path) == name and "before-join" in path]
        assert kept, f"no copy of the old {name}: {sorted(now)}"
        assert os.path.join(joiner.config_dir, os.path.dirname(kept[0])) in joiner.text


def test_inviting_a_name_again_replaces_its_stale_entry(world):
    mgt1, mgt2 = world.collective(2)
    old = world.etcd.get(world.key("members/mgt2"))
    mgt2.kill()
    wait_until(lambda: "mgt2" in mgt1.raw_show()["offline"], 15, "mgt2 to be offline")
    replacement = world.agent("mgt2-new")
    joined(world, mgt1, replacement, mgt1.invite("mgt2"))
    new = world.etcd.get(world.key("members/mgt2"))
    assert new.value != old.value
    mgt2.start()
    wait_until(lambda: "redo invitation process" in mgt2.collective("show").err +
               mgt2.collective("show").out, 15, "the old one to say that it is replaced")
    assert mgt1.raw_show()["active"] == ["mgt2"]
