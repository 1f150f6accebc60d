"""Invitations: made, listed, revoked, expired, and every wrong way to use one."""

import base64
import json

import pytest

from harness.wait import wait_until


@pytest.fixture(scope="module")
def stranger(trio_world):
    """A standalone agent that fails to join, again and again, and stays what it is."""
    return trio_world.agent("stranger")


def refused(stranger, inviter, token, *words):
    page = stranger.join(inviter, token)
    assert page.rc == 1, page
    assert page.out == "", page
    assert page.err.count("\n") == 1, f"one line: {page.err!r}"
    for word in words:
        assert word in page.err, page
    show = stranger.collective("show")
    assert show.out == "Collective mode not enabled on this system\n"
    return page.err


def test_what_is_no_token_at_all_is_refused_before_anybody_is_asked(trio, stranger):
    for text in ("garbage", "!!!!", "bWd0Mg==", base64.b64encode(b"noatsign" * 12).decode(),
                 base64.b64encode(b"@" + b"x" * 65).decode(), "A" * 5000):
        refused(stranger, trio[0], text, "Invalid token format")


def test_wrong_tokens_are_refused_each_with_its_reason(trio, stranger):
    inviter = trio[1]
    good = inviter.invite("guest")
    raw = bytearray(base64.b64decode(good))

    flipped = bytearray(raw)
    flipped[-1] ^= 1
    refused(stranger, inviter, base64.b64encode(bytes(flipped)).decode(), "Invalid token")

    other_name = raw.replace(b"guest@", b"guess@", 1)
    refused(stranger, inviter, base64.b64encode(bytes(other_name)).decode(), "Invalid token")

    not_from_here = base64.b64encode(b"guest@" + bytes(range(100, 169))).decode()
    refused(stranger, inviter, not_from_here, "Invalid token")

    # Kept by the member that made it, alone.
    refused(stranger, trio[0], good, "Invalid token")

    assert inviter.collective("invite", "--revoke", "guest").rc == 0
    refused(stranger, inviter, good, "Invalid token", "revoked")


def test_an_expired_token_says_so(trio, stranger):
    token = trio[0].invite("late", "--ttl", "1s")

    def expired():
        (entry,) = [e for e in listed(trio[0]) if e["name"] == "late"]
        return entry["state"] == "expired"
    wait_until(expired, 5, "the invitation to expire", every=0.1)
    refused(stranger, trio[0], token, "Invalid token", "expired")


def listed(member):
    with member.session() as session:
        return session.collective(operation="invitations")["invitations"]


def test_a_used_token_names_its_use(trio_world, trio, stranger):
    joiner = trio_world.agent("used-up")
    token = trio[2].invite("used-up")
    assert joiner.join(trio[2], token).rc == 0
    refused(stranger, trio[2], token, "Invalid token", "used")
    wait_until(joiner.is_active, 10, "the first to be active")
    joiner.term()
    wait_until(lambda: "used-up" in trio[0].raw_show()["offline"], 15, "it to be offline")
    wait_until(lambda: trio[0].collective("delete", "used-up").rc == 0, 5, "it to be deleted")


def test_invitations_are_listed_without_their_tokens(trio):
    token = trio[0].invite("listed", "-n", "--ttl", "90m")
    page = trio[0].collective("invite", "--list")
    assert page.rc == 0
    assert "listed" in page.out
    assert token not in page.out
    (entry,) = [e for e in listed(trio[0]) if e["name"] == "listed"]
    assert entry["state"] == "pending"
    assert entry["role"] == "nonvoting"
    assert 89 * 60 < entry["expires"] - entry["created"] <= 91 * 60
    assert token[8:40] not in json.dumps(entry)
    assert trio[0].collective("invite", "--revoke", "listed").rc == 0
    page = trio[0].collective("invite", "--revoke", "nobody-invited-this")
    assert page.rc == 1 and page.err


@pytest.mark.parametrize("name", ["", "a b", "a@b", "-x", "a/b", "x" * 300, "a\nb", "ä"])
def test_bad_names_are_refused(trio, name):
    page = trio[0].collective("invite", "--", name) if name.startswith("-") else \
        trio[0].collective("invite", name)
    assert page.rc == 1, page
    assert page.out == "" and page.err


def test_one_does_not_invite_oneself(trio):
    page = trio[1].collective("invite", "mgt2")
    assert page.rc == 1
    assert page.out == "" and "mgt2" in page.err


def test_a_second_invitation_replaces_the_first(trio_world, trio):
    first = trio[0].invite("twice")
    second = trio[0].invite("twice")
    joiner = trio_world.agent("twice")
    refused(joiner, trio[0], first, "Invalid token")
    assert joiner.join(trio[0], second).rc == 0


def test_an_invitation_survives_its_inviters_restart(world):
    mgt1, _ = world.found()
    token = mgt1.invite("patient")
    mgt1.restart()
    joiner = world.agent("patient")
    wait_until(mgt1.is_active, 10, "the inviter to be back")
    assert joiner.join(mgt1, token).rc == 0


def test_without_quorum_nobody_is_invited(world):
    (mgt1,) = world.collective(1)
    token = mgt1.invite("waits")
    mgt1.network("blackhole")
    wait_until(lambda: not mgt1.raw_show()["quorum"], 15, "quorum to be lost")
    page = mgt1.collective("invite", "mgt9")
    assert (page.rc, page.out) == (1, "")
    assert page.err == "Collective does not have quorum\n"
    joiner = world.agent("waits")
    page = joiner.join(mgt1, token)
    assert page.rc == 1
    assert page.err.startswith("Collective does not have quorum")
    mgt1.network("pass")
    wait_until(mgt1.is_active, 15, "quorum to be back")
    page = joiner.join(mgt1, token)
    assert page.rc == 0, "the token was not used up by the refusal"


def test_a_server_with_etcd_on_loopback_invites_only_when_that_is_allowed(world):
    strict = world.agent("strict", start=False, name="strict")
    strict.config["etcd"]["allow_loopback"] = False
    strict.start()
    page = strict.collective("invite", "mgt2")
    assert (page.rc, page.out) == (1, "")
    assert "loopback" in page.err and "allow_loopback" in page.err
    assert world.etcd.list("/confluent/") == [], "nothing was founded"


def test_one_prefix_holds_one_collective(world):
    world.found()
    second = world.agent("other", name="other")
    page = second.collective("invite", "mgt2")
    assert (page.rc, page.out) == (1, "")
    assert "collective" in page.err
    assert second.collective("show").out == "Collective mode not enabled on this system\n"


def test_the_token_is_not_to_be_seen_in_the_process_list(world):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    hole = world.net.proxy(mgt1.port, "join")
    hole.set("blackhole")
    command = joiner.spawn("join", f"127.0.0.1:{hole.port}", "-i", token)
    try:
        def argv():
            with open(f"/proc/{command.pid}/cmdline", "rb") as f:
                return f.read()
        wait_until(lambda: b"join" in argv(), 5, "the command to run")
        wait_until(lambda: token.encode() not in argv(), 2, "the token to be overwritten")
        assert token[:20].encode() not in argv()
        hole.set("pass")
        assert command.wait(20) == 0
    finally:
        if command.poll() is None:
            command.kill()
        command.communicate()


def test_a_token_comes_from_standard_input_or_a_file(world, tmp_path):
    mgt1, token = world.found()
    joiner = world.agent("mgt2")
    page = joiner.collective("join", mgt1.server, "-i", "-", stdin=token + "\n")
    assert page.rc == 0, page
    other = world.agent("mgt3")
    file = tmp_path / "token"
    file.write_text(mgt1.invite("mgt3") + "\n")
    page = other.collective("join", mgt1.server, "--token-file", str(file))
    assert page.rc == 0, page


def test_neither_etcd_nor_any_log_ever_held_a_token(trio_world, trio):
    assert trio_world.tokens
    for _, _, key in trio_world.etcd.history("/confluent/"):
        for token in trio_world.tokens:
            assert token not in key.value
            assert base64.b64decode(token)[-40:].hex() not in key.value
