"""collective.conf: checked as a whole, reloaded, and every way of reaching etcd."""

import os
import re
import subprocess

import pytest

from harness.agent import AGENT
from harness.certs import Authority
from harness.wait import holds_for, wait_until


def check(path):
    return subprocess.run([AGENT, "-c", str(path), "-t"], capture_output=True, text=True,
                          timeout=10, check=False)


def test_a_good_file_passes_the_check(world):
    agent = world.agent("mgt1", start=False, name="mgt1")
    agent.write_config()
    done = check(agent.config_file)
    assert done.returncode == 0, done


def test_all_problems_are_reported_at_once_with_file_and_line(tmp_path):
    file = tmp_path / "bad.conf"
    file.write_text('etcd: { endpoints = ["http://10.0.0.1:2379"]; prefiks = "/x/"; };\n'
                    'member: { ttl = 1; port = 70000; };\n'
                    'nonsense: { a = 1; };\n'
                    'log: { level = "loud"; };\n')
    done = check(file)
    assert done.returncode != 0
    said = done.stderr + done.stdout
    for line, word in ((1, "prefiks"), (2, "ttl"), (2, "port"), (3, "nonsense"), (4, "loud")):
        assert re.search(rf"bad\.conf:{line}: .*{word}", said), (word, said)
    assert "prefix" in said, "the nearest name is offered"


def test_a_syntax_error_names_its_line(tmp_path):
    file = tmp_path / "bad.conf"
    file.write_text("member: {\n  ttl = = 6;\n};\n")
    done = check(file)
    assert done.returncode != 0
    assert "bad.conf:2" in done.stderr + done.stdout


def test_a_named_file_that_is_not_there_is_an_error(tmp_path):
    done = check(tmp_path / "nosuch.conf")
    assert done.returncode != 0
    assert "nosuch.conf" in done.stderr


def test_a_password_file_that_others_can_read_is_refused(world):
    agent = world.agent("mgt1", start=False, name="mgt1")
    agent.use_password("app", "apppw")
    agent.write_config()
    assert check(agent.config_file).returncode == 0
    os.chmod(agent.config["etcd"]["password_file"], 0o644)
    done = check(agent.config_file)
    assert done.returncode != 0
    assert "etcd.password" in done.stderr + done.stdout


def test_help_lists_every_option():
    done = subprocess.run([AGENT, "--help-config"], capture_output=True, text=True, timeout=10,
                          check=False)
    assert done.returncode == 0
    for option in ("endpoints", "prefix", "password_file", "ttl", "hold_down", "read_group",
                   "config_dir", "level"):
        assert option in done.stdout


def test_sighup_reloads_what_can_be_reloaded_and_says_what_can_not(world):
    (mgt1,) = world.collective(1)
    mgt1.config["log"]["level"] = "debug"
    mgt1.config["member"]["port"] = mgt1.port + 1
    mgt1.write_config()
    mgt1.process.signal(1)
    mgt1.process.wait_for_line("log.level", 5)
    mgt1.process.wait_for_line("member.port", 5)
    assert "restart" in mgt1.text
    assert mgt1.is_active(), "it went on working"


def test_the_log_level_of_one_module_changes_while_it_runs(world):
    (mgt1,) = world.collective(1)
    answer = mgt1.collective("log", "nosuch", "debug")
    assert answer.rc == 1 and "is not a module (expected all, agent," in answer.err, answer
    assert mgt1.collective("log", "etcd", "loud").rc == 1
    answer = mgt1.collective("log", "etcd", "debug")
    assert (answer.rc, answer.out) == (0, "Log level of etcd is debug\n"), answer
    mgt1.process.wait_for_line("debug: etcd: lease keepalive at http", 5)
    assert mgt1.collective("log", "info").rc == 0


def test_sighup_with_a_bad_file_changes_nothing(world):
    (mgt1,) = world.collective(1)
    with open(mgt1.config_file, "a", encoding="ascii") as f:
        f.write("nonsense = 1;\n")
    mgt1.process.signal(1)
    mgt1.process.wait_for_line("nonsense", 5)
    assert mgt1.is_active()


WAYS = {
    "plain": {}, "private CA": {"tls": "server"}, "client certificate": {"tls": "client"},
    "user and password": {"auth": True},
    "all of it": {"tls": "client", "auth": True},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_collective_forms_over_every_kind_of_etcd(site, way, etcd_kind, etcd_of_kind):
    world = site(etcds=1, binary=etcd_of_kind, **WAYS[way])
    members = world.collective(2)
    members[1].restart()
    world.settled(members)
    joiner = world.agent("mgt3", start=False)
    joiner.config["etcd"] = {"allow_loopback": True}
    joiner.start()
    assert joiner.join(members[1], members[1].invite("mgt3")).rc == 0, "the bundle tells it all"
    world.settled([*members, joiner])


@pytest.mark.takes(17)
def test_tokens_that_expire_are_renewed_without_anybody_noticing(site):
    world = site(etcds=3, auth=True, flags=["--auth-token-ttl", "2"])
    members = world.collective(2)
    since = world.etcd.revision()
    holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 8, "everybody has quorum")
    world.cluster.members[0].kill()
    world.cluster.members[0].start()
    world.cluster.wait_healthy()
    holds_for(lambda: all(m.raw_show()["quorum"] for m in members), 5, "everybody has quorum")
    assert world.leader_history(since + 1) == []


def test_a_wrong_password_is_told(site):
    world = site(etcds=1, auth=True)
    agent = world.agent("mgt1", start=False, name="mgt1")
    agent.use_password("app", "wrong")
    agent.start()
    page = agent.collective("invite", "mgt2")
    assert (page.rc, page.out) == (1, "")
    assert "password" in page.err or "user" in page.err
    assert "wrong" not in page.err.replace("wrong user", ""), "never the password itself"


def test_a_ca_that_did_not_sign_etcds_certificate_is_told(site):
    world = site(etcds=1, tls="server")
    agent = world.agent("mgt1", start=False, name="mgt1")
    agent.config["etcd"]["ca"] = Authority(os.path.join(world.folder, "other-ca")).ca
    agent.start()
    page = agent.collective("invite", "mgt2")
    assert (page.rc, page.out) == (1, "")
    assert "certificate" in page.err, page


def test_a_client_certificate_with_a_common_name_is_told_with_its_remedy(site):
    world = site(etcds=1, tls="client", auth=True)
    agent = world.agent("mgt1", start=False, name="mgt1")
    cert, key = world.cluster.authority.client("somebody")
    agent.config["etcd"]["certificate"], agent.config["etcd"]["key"] = cert, key
    agent.start()
    page = agent.collective("invite", "mgt2")
    assert (page.rc, page.out) == (1, "")
    assert "CommonName" in page.err or "CN" in page.err, page


def test_version_and_help_are_there():
    for option in ("--help", "--version"):
        done = subprocess.run([AGENT, option], capture_output=True, text=True, timeout=10,
                              check=False)
        assert done.returncode == 0 and done.stdout, option


def test_the_log_tells_each_change_of_state_once_with_its_reason(world):
    mgt1, mgt2 = world.collective(2)
    mgt1.kill()
    wait_until(lambda: world.acting_leaders([mgt2]), 12, "mgt2 to lead")
    lines = [line for line in mgt2.text.splitlines() if "leader:" in line and "->" in line]
    assert any("-> leader" in line and "(" in line for line in lines), mgt2.text
    assert len(lines) == len(set(lines))


def test_a_new_ttl_counts_from_the_restart_on(world):
    _, mgt2 = world.collective(2, ttl=5)
    mgt2.config["member"]["ttl"] = 20
    mgt2.restart()
    wait_until(mgt2.is_active, 5, "mgt2 to be back, without waiting for its old lease to end")
    lease = world.etcd.get(world.key("active/mgt2")).lease
    answer = world.etcd.call("/v3/lease/timetolive", {"ID": str(lease)})
    assert answer["grantedTTL"] == "20"
