"""Secrets: what etcd, the log and the disk see of them, and what becomes of one that was moved."""

import os
import re
import subprocess

import pytest

from harness.wait import wait_until
from harness.world import World

PASSWORD = "secret.hardwaremanagementpassword"
COMMUNITY = "secret.snmpcommunity"
OWN = "custom.nodesecret.wifi"
VALUES = {PASSWORD: "open sesame 4711", COMMUNITY: "{n1} public 0815", OWN: "wi-fi & f\u00fc\u00df"}
HASHED = {"crypted.rootpassword": "toor 1234 toor", "crypted.grubpassword": "menu 5678 menu"}


@pytest.fixture(scope="module", name="site")
def make_site():
    world = World()
    world.pair = world.collective(2)
    first = world.pair[0]
    with first.session(timeout=30) as session:
        for path, name in (("/noderange/", "n1"), ("/nodegroups/", "rack1")):
            frames = session.ask("create", path, {"name": name, **VALUES, **HASHED})
            assert not any("errorcode" in frame for frame in frames), frames
    yield world
    found = world.shut_down()
    assert not found, "after the tests: " + "\n".join(found)


def secret(agent, node, name=PASSWORD):
    with agent.session(timeout=10) as session:
        return session.collective(operation="secret", node=node, attribute=name)


def raw(world, path):
    return world.etcd.get(world.key(path)).value


def files(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


def test_no_secret_is_in_clear_in_etcd_nor_on_disk_nor_in_a_log(site):
    texts = [*VALUES.values(), *HASHED.values()]
    seen = [(kv.key, kv.value) for _, _, kv in site.etcd.history("/")]
    assert len(seen) > 10
    dump = subprocess.run([os.environ["ETCDCTL"], "--endpoints", site.cluster.members[0].url,
                           "get", "--prefix", "/"], capture_output=True, text=True, timeout=20,
                          check=True, env=dict(os.environ, ETCDCTL_API="3")).stdout
    assert "sealed:1:" in dump
    for agent in site.pair:
        def written(agent=agent):
            copy = os.path.join(agent.state_dir, "copy")
            return any(b"sealed:1:" in data for _, data in files(copy))
        wait_until(written, 10, "the copy to be on disk")
    for text in texts:
        assert text not in dump
        assert not [key for key, value in seen if text in value or text in key]
        for agent in site.pair:
            assert text not in agent.text
            found = [path for path, data in files(agent.home) if text.encode() in data]
            assert not found, found


def test_passwords_are_kept_as_hashes_of_their_own_kind(site):
    for path in ("nodes/n1/", "groups/rack1/"):
        root = raw(site, path + "crypted.rootpassword")
        assert re.fullmatch(r"\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}", root)
        grub = raw(site, path + "crypted.grubpassword")
        assert re.fullmatch(r"grub\.pbkdf2\.sha512\.10000\.[0-9A-F]{128}\.[0-9A-F]{128}", grub)
    assert raw(site, "nodes/n1/crypted.rootpassword") != root, "the salts differ"
    checked = subprocess.run(["openssl", "passwd", "-6", "-salt", root.split("$")[2],
                              HASHED["crypted.rootpassword"]],
                             capture_output=True, text=True, timeout=20, check=True)
    assert checked.stdout.strip() == root
    for agent in site.pair:
        assert "value" not in secret(agent, "n1", "crypted.rootpassword")


def test_every_member_opens_what_any_has_sealed(site):
    for agent in site.pair:
        wait_until(lambda a=agent: "value" in secret(a, "n1"), 5, "the values to be there")
        for name, text in VALUES.items():
            assert secret(agent, "n1", name) == {"value": text}


def test_a_value_that_was_moved_or_changed_does_not_open(site):
    good = {name: raw(site, f"nodes/n1/{name}") for name in VALUES}
    other = "A" if good[PASSWORD][-6] != "A" else "B"
    flipped = good[PASSWORD][:-6] + other + good[PASSWORD][-5:]
    stranger = good[PASSWORD].replace(good[PASSWORD].split(":")[2], "0123abcd")
    for value, why in ((good[COMMUNITY], "moved"), (raw(site, f"groups/rack1/{PASSWORD}"), "moved"),
                       (flipped, "changed"), (stranger, "0123abcd"), ("clear text", "has no"),
                       ("", "has no")):
        site.etcd.put(site.key(f"nodes/n1/{PASSWORD}"), value)
        for agent in site.pair:
            def refused(agent=agent, why=why):
                answer = secret(agent, "n1")
                if why not in answer.get("error", ""):
                    raise AssertionError(answer)
                return True
            wait_until(refused, 5, f"'{why}' to be said of {value[:40]!r}")
            assert secret(agent, "n1", COMMUNITY) == {"value": VALUES[COMMUNITY]}
    site.etcd.put(site.key(f"nodes/n1/{PASSWORD}"), good[PASSWORD])
    for agent in site.pair:
        wait_until(lambda a=agent: secret(a, "n1") == {"value": VALUES[PASSWORD]}, 5, "it to open")
