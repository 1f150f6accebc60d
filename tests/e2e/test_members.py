"""A member's life: deleted, restored from its files, with another's key, its certificate, its files."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from harness.wait import holds_for, wait_until


def test_an_active_member_is_not_deleted_nor_an_unknown_one(trio):
    for name in ("mgt1", "mgt2", "mgt3"):
        page = trio[1].collective("delete", name)
        assert (page.rc, page.out) == (1, "")
        assert page.err == (f"{name} is still active, stop the confluent service to remove it\n")
    page = trio[1].collective("delete", "nosuch")
    assert (page.rc, page.out) == (1, "")
    assert page.err == "nosuch is not a recognized collective member\n"


def test_an_offline_member_is_deleted_and_out_for_good(world):
    mgt1, mgt2 = world.collective(2)
    mgt2.kill()
    wait_until(lambda: mgt1.raw_show()["offline"] == ["mgt2"], 12, "mgt2 to be offline")
    page = mgt1.collective("delete", "mgt2")
    assert (page.rc, page.out, page.err) == (0, "Successfully deleted mgt2\n", "")
    since = world.etcd.revision()
    assert mgt1.raw_show()["offline"] == []

    mgt2.start()
    wait_until(lambda: mgt2.raw_show()["state"] == "removed", 10, "mgt2 to know that it is out")
    page = mgt2.collective("show")
    assert "redo invitation process" in page.err + page.out, page
    page = mgt2.collective("invite", "mgt3")
    assert (page.rc, page.out) == (1, "") and page.err
    page = mgt2.collective("delete", "mgt1")
    assert page.rc == 1
    holds_for(lambda: mgt1.raw_show()["active"] == [], 3, "mgt2 is not active")
    touched = [key.key for _, _, key in world.etcd.history("/confluent/", since + 1)
               if key.key != world.key("pulse")]
    assert touched == [], "a deleted member writes nothing"


def test_a_member_deleted_while_it_runs_resigns(world):
    """Its record is taken away by hand: the command refuses to delete an active member."""
    mgt1, mgt2 = world.collective(2)
    world.etcd.delete(world.key("members/mgt1"))
    wait_until(lambda: mgt1.raw_show()["state"] == "removed", 10, "mgt1 to know that it is out")
    wait_until(lambda: world.acting_leaders([mgt1, mgt2]) == ["mgt2"], 10, "mgt2 to lead")
    assert mgt1.collective("invite", "x").rc == 1


def test_delete_is_refused_without_quorum(world):
    mgt1, mgt2 = world.collective(2)
    mgt2.kill()
    wait_until(lambda: mgt1.raw_show()["offline"] == ["mgt2"], 12, "mgt2 to be offline")
    mgt1.network("blackhole")
    wait_until(lambda: not mgt1.raw_show()["quorum"], 12, "quorum to be lost")
    page = mgt1.collective("delete", "mgt2")
    assert (page.rc, page.out, page.err) == (1, "", "Collective does not have quorum\n")


KEEP = ("privkey.pem", "srvcert.pem", "cfg/collective", "cfg/myname")


def reinstalled(world, old, title):
    """A new machine with the four files of the old one."""
    new = world.agent(title, start=False, ttl=old.ttl)
    shutil.rmtree(new.config_dir)
    os.makedirs(new.path("cfg"), mode=0o700)
    os.chmod(new.config_dir, 0o700)
    for name in KEEP:
        shutil.copy2(old.path(name), new.path(name))
    return new


def test_a_reinstalled_member_comes_back_with_its_four_files(world):
    mgt1, mgt2 = world.collective(2)
    for name in KEEP:
        assert os.path.exists(mgt2.path(name)), name
    mgt2.kill()
    new = reinstalled(world, mgt2, "again")
    new.start()
    wait_until(new.is_active, 15, "the reinstalled member to be active")
    world.settled([mgt1, new])
    token = new.invite("mgt3")
    assert token, "it invites as any member"


def test_the_founder_comes_back_with_its_four_files_too(world):
    mgt1, mgt2 = world.collective(2)
    mgt1.kill()
    new = reinstalled(world, mgt1, "again")
    new.start()
    world.settled([mgt2, new], 20)


def test_another_key_in_its_place_is_told_to_redo_the_invitation(world):
    mgt1, mgt2 = world.collective(2)
    mgt2.kill()
    new = reinstalled(world, mgt2, "again")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-384", "-nodes", "-keyout", new.path("privkey.pem"),
                    "-out", new.path("srvcert.pem"), "-days", "30", "-subj", "/CN=mgt2"],
                   check=True, capture_output=True, timeout=20)
    os.chmod(new.path("privkey.pem"), 0o600)
    new.start(wait=False)
    text = "Invalid certificate, redo invitation process"

    def told():
        if not new.running:
            return text in new.text
        page = new.collective("show")
        return text in page.out + page.err
    wait_until(told, 10, "the reason to be given")
    assert text in new.text, "and logged"
    wait_until(lambda: mgt1.raw_show()["offline"] == ["mgt2"], 12, "mgt2 to be offline")
    holds_for(lambda: mgt1.raw_show()["active"] == [], 3, "it is not active")


def test_secret_files_are_private_whatever_the_umask(world):
    old = os.umask(0)
    try:
        mgt1, token = world.found()
        joiner = world.agent("mgt2")
        assert joiner.join(mgt1, token).rc == 0
    finally:
        os.umask(old)
    wait_until(joiner.is_active, 10, "mgt2 to be active")
    mgt1.invite("mgt3")
    for agent, names in ((mgt1, ["privkey.pem", "cfg/collective", "cfg/invitations"]),
                         (joiner, ["privkey.pem", "cfg/collective"])):
        for name in names:
            mode = stat.S_IMODE(os.stat(agent.path(name)).st_mode)
            assert mode & 0o077 == 0, f"{name}: {mode:o}"


@pytest.mark.parametrize("name", ["privkey.pem", "cfg/collective"])
def test_a_secret_that_others_can_read_keeps_the_agent_from_starting(world, name):
    (mgt1,) = world.collective(1)
    mgt1.term()
    os.chmod(mgt1.path(name), 0o644)
    mgt1.start(wait=False)
    mgt1.process.expected_exit = True
    assert mgt1.process.wait(10) != 0
    said = mgt1.process.text
    assert mgt1.path(name) in said, said
    assert "chmod" in said or "0600" in said, "the remedy is named"
    os.chmod(mgt1.path(name), 0o600)
    mgt1.start()
    wait_until(mgt1.is_active, 10, "it to start once that is repaired")


def test_damaged_files_are_named_and_never_crash(world):
    (mgt1,) = world.collective(1)
    mgt1.term()
    good = {}
    for name in KEEP:
        with open(mgt1.path(name), "rb") as f:
            good[name] = f.read()
    for name in KEEP:
        for damage in (b"", good[name][:len(good[name]) // 2], b"\0\xff garbage \n" * 5):
            with open(mgt1.path(name), "wb") as f:
                f.write(damage)
            mgt1.start(wait=False)
            mgt1.process.expected_exit = True
            wait_until(lambda: not mgt1.running or mgt1.answers(), 10, "it to answer or to end")
            if mgt1.running:
                assert mgt1.term() == 0
            else:
                assert mgt1.process.popen.returncode > 0, mgt1.process.text
                assert mgt1.path(name) in mgt1.process.text, mgt1.process.text
        with open(mgt1.path(name), "wb") as f:
            f.write(good[name])
    mgt1.start()
    wait_until(mgt1.is_active, 10, "it to start with its own files")


def test_gencert_makes_a_certificate_and_the_facts_are_shown(world):
    alone = world.agent("alone")
    page = alone.collective("gencert")
    assert (page.rc, page.out, page.err) == (0, "Certificate generated successfully\n", "")
    for name in ("privkey.pem", "srvcert.pem"):
        assert os.path.exists(alone.path(name))
    text = subprocess.run(["openssl", "x509", "-in", alone.path("srvcert.pem"), "-noout", "-text"],
                          capture_output=True, text=True, check=True, timeout=10).stdout
    assert "CN = " in text


def test_an_issued_certificate_is_of_the_collectives_authority(world):
    mgt1, mgt2 = world.collective(2)
    text = subprocess.run(["openssl", "x509", "-in", mgt2.path("srvcert.pem"), "-noout", "-text"],
                          capture_output=True, text=True, check=True, timeout=10).stdout
    assert "CN = mgt2" in text.replace("CN=mgt2", "CN = mgt2")
    assert "127.0.0.1" in text, "the address is among its names"
    facts = mgt2.raw_show(True)["certificate"]
    year = facts["not_after"] - facts["renew_at"]
    assert 100 * 86400 < year < 140 * 86400, "renewed at two thirds of a year"
    page = mgt2.collective("show", "-v")
    assert "ertificate" in page.out
    assert mgt1


def test_the_registry_holds_no_secret(world):
    mgt1, _ = world.collective(2)
    with open(mgt1.path("cfg/collective"), encoding="ascii", errors="replace") as f:
        bundle = f.read()
    secrets = [line.split(None, 1)[1].strip() for line in bundle.splitlines()
               if "key" in line.lower() and len(line.split(None, 1)) == 2 and len(line) > 40]
    for _, _, key in world.etcd.history("/confluent/"):
        assert "PRIVATE KEY" not in key.value
        for secret in secrets:
            assert secret not in key.value, key.key
        if key.key.startswith("/confluent/members/") and key.value:
            record = json.loads(key.value)
            assert record["key"].startswith("sha256:")


def test_the_log_names_who_comes_and_goes_once(world):
    mgt1, mgt2, mgt3 = world.collective(3)
    mgt2.process.wait_for_line("registry: mgt3 is active, at 127.0.0.1", 5)
    mgt3.kill()
    wait_until(lambda: "mgt3" in mgt1.show()["offline"], 15, "mgt3 to be offline")
    wait_until(lambda: "mgt3" in mgt2.show()["offline"], 15, "mgt3 to be offline")
    assert mgt1.collective("delete", "mgt3").rc == 0
    for agent in (mgt1, mgt2):
        agent.process.wait_for_line("registry: mgt3 is no member any more", 5)
        for line in ("registry: mgt3 is a member now", "registry: mgt3 is active",
                     "warning: registry: mgt3 is offline"):
            assert agent.text.count(line) == 1, agent.text


def test_a_lease_that_can_not_be_kept_is_logged_and_no_blank_line_of_show(world):
    (mgt1,) = world.collective(1)
    mgt1.kill()
    os.remove(os.path.join(mgt1.state_dir, "lease"))
    os.mkdir(os.path.join(mgt1.state_dir, "lease"))
    mgt1.start()
    mgt1.process.wait_for_line("warning: lease: the lease can't be kept for a restart", 5)
    assert "\n\n" not in "\n" + mgt1.collective("show").err
    wait_until(mgt1.is_active, 15, "mgt1 to be active again")
