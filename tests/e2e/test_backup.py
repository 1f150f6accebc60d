"""Backups: dump and restore between two collectives on one etcd, below two prefixes."""

import json
import os
import stat
import time

import pytest

from harness.agent import COMMAND, run_command
from harness.terminal import echoes, on_terminal, read_until
from harness.wait import wait_until
from harness.world import World

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def backup_world():
    made = World()
    yield made
    found = made.shut_down()
    assert not found, "\n".join(found)


def sole(world, name, prefix):
    """A collective of one below its own prefix."""
    agent = world.agent(name, start=False, name=name)
    agent.config["etcd"]["prefix"] = prefix
    agent.start()
    agent.invite("other")
    wait_until(agent.is_active, 10, f"{name} to be active after founding")
    return agent


@pytest.fixture(scope="module")
def pair(backup_world):
    return sole(backup_world, "mgt1", "/one/"), sole(backup_world, "sav1", "/two/")


def run(member, line, rc=0):
    words = line.split()
    got = run_command(words[0], *words[1:], socket=member.socket)
    member.world.note(f"{member.title}# {line} -> {got}")
    assert got[0] == rc, (line, got)
    return got[1]


def collective(member, *args, rc=0, **kwargs):
    got = member.collective(*args, timeout=120, **kwargs)
    assert got.rc == rc, got
    return got


def wipe(member):
    nodes = run(member, "nodelist").split()
    if nodes:
        run(member, "noderemove everything")
    for group in run(member, "nodegrouplist").split():
        if group != "everything":
            run(member, f"nodegroupremove {group}")
    run(member, "nodegroupattrib everything -c ntp.servers")


@pytest.fixture
def source(pair):
    """Some of everything that a backup holds."""
    one = pair[0]
    wipe(one)
    run(one, "nodegroupdefine rack1,compute")
    run(one, "nodegroupdefine dyn noderange=n1-n2")
    run(one, "nodegroupattrib everything ntp.servers=ntp1")
    run(one, "nodegroupattrib rack1 location.rack=7 secret.ipmikg=grouped")
    run(one, "nodedefine n1-n3 groups=rack1,compute info.note=N-{node}")
    run(one, "nodeattrib n1 location.u=3 secret.hardwaremanagementpassword=hunter2 "
             "crypted.rootpassword=pw custom.text={{literal}} console.logging=full")
    run(one, "nodeattrib n2 deployment.useinsecureprotocols=always info.note=")
    return one


@pytest.fixture
def target(pair):
    wipe(pair[1])
    return pair[1]


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "backup")


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return str(path)


def load(folder, name="main.json"):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return json.load(f)


def save(folder, content):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "main.json"), "w", encoding="utf-8") as f:
        json.dump(content, f)


def without_seals(content):
    """A backup with each sealed text as one word."""
    if isinstance(content, dict):
        return {k: "sealed" if k == "cryptvalue" else without_seals(v)
                for k, v in content.items()}
    return content


def test_a_backup_looks_as_administrators_know_it(source, folder):
    got = collective(source, "dump", folder, "--unprotected")
    assert got.out.startswith("dumped 3 nodes and 4 groups as of revision "), got
    assert got.err == "keys.json opens all secrets of this backup: keep it apart\n"
    for name in ("main.json", "keys.json", "collective.json"):
        assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600
    assert sorted(os.listdir(folder)) == ["collective.json", "keys.json", "main.json"]
    with open(os.path.join(folder, "main.json"), encoding="utf-8") as f:
        text = f.read()
    content = json.loads(text)
    # the very bytes that Python's own writer makes of it
    assert text == json.dumps(content, indent=4, sort_keys=True) + "\n"
    assert sorted(content) == ["nodegroups", "nodes", "usergroups", "users"]
    node = content["nodes"]["n1"]
    assert isinstance(node.pop("id.index")["value"], int)
    assert node["secret.hardwaremanagementpassword"].pop("cryptvalue").startswith("sealed:1:")
    assert node["crypted.rootpassword"].pop("hashvalue").startswith("$6$")
    assert node == {
        "groups": ["rack1", "compute", "everything"], "location.u": {"value": "3"},
        "info.note": {"expression": "N-{node}"}, "custom.text": {"value": "{literal}"},
        "console.logging": {"value": "full"}, "crypted.rootpassword": {},
        "secret.hardwaremanagementpassword": {}}
    assert content["nodegroups"]["dyn"] == {"noderange": {"value": "n1-n2"}}
    assert content["nodegroups"]["compute"] == {"nodes": ["n1", "n2", "n3"]}
    assert content["nodegroups"]["everything"] == {
        "nodes": ["n1", "n2", "n3"], "ntp.servers": {"value": "ntp1"}}
    assert load(folder, "keys.json")["cryptkey"].startswith("*unencrypted:")
    members = load(folder, "collective.json")
    assert members["mgt1"]["fingerprint"].startswith("sha256:")
    assert "hunter2" not in text


def test_what_was_dumped_is_restored_elsewhere(source, target, folder, password_file, tmp_path):
    collective(source, "dump", folder, "-p", password_file)
    got = collective(target, "restore", folder, "-p", "-", stdin=PASSWORD + "\n")
    assert (got.out, got.err) == ("restored 3 nodes and 4 groups\n", "")
    assert run(target, "nodeattrib n1 info.note") == "n1: info.note: N-n1\n"
    for name, value in (("secret.hardwaremanagementpassword", "hunter2"),
                        ("secret.ipmikg", "grouped")):
        assert collective(target, "secret", "get", "n1", name).out == value + "\n"
    assert run(target, "nodelist dyn") == "n1\nn2\n"
    # a number that is given out next is none of those that came with the backup
    run(target, "nodedefine n9")
    again = str(tmp_path / "again")
    collective(target, "dump", again, "-p", password_file)
    first, second = load(folder), load(again)
    numbers = [node["id.index"]["value"] for node in second["nodes"].values()]
    assert len(set(numbers)) == 4
    del second["nodes"]["n9"]
    second["nodegroups"]["everything"]["nodes"].remove("n9")
    assert without_seals(first) == without_seals(second)
    assert first != second


def test_a_wrong_password_restores_nothing(source, target, folder, password_file):
    collective(source, "dump", folder, "--password-file", password_file)
    got = collective(target, "restore", folder, "-p", "-", stdin="wrong\n", rc=1)
    assert "it is not the password they were protected with" in got.err
    got = collective(target, "restore", folder, rc=1)
    assert got.err.endswith("no password was given\n")
    assert run(target, "nodelist") == ""
    got = collective(target, "restore", folder, "--without-secrets")
    assert got.out == "restored 3 nodes and 4 groups\n"
    assert got.err == "2 secrets and hashes were left out\n"
    assert run(target, "nodeattrib n1 secret") .count("***") == 0
    # hashes don't need a key
    assert run(target, "nodeattrib n1 crypted.rootpassword") == "n1: crypted.rootpassword: ********\n"


def test_the_password_is_asked_for_on_a_terminal(source, folder):
    pid, terminal = on_terminal(COMMAND, ["collective", "-s", source.socket, "dump", folder],
                                dict(os.environ))
    for question, typed in ((b"Password of the backup: ", b"one\n"), (b"Once more: ", b"two\n"),
                            (b"The two are not the same.\r\nPassword of the backup: ", b"three\n"),
                            (b"Once more: ", b"three\n")):
        read_until(terminal, question)
        assert not echoes(terminal)
        os.write(terminal, typed)
    shown = read_until(terminal, b"dumped 3 nodes")
    assert b"three" not in shown and echoes(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    got = collective(source, "restore", folder, "--replace", "-p", "-", stdin="three\n")
    assert got.out.startswith("restored 3 nodes and 4 groups")


def test_redacted_and_without_keys(source, target, folder, tmp_path):
    collective(source, "dump", folder, "--redact")
    assert sorted(os.listdir(folder)) == ["collective.json", "main.json"]
    node = load(folder)["nodes"]["n1"]
    assert node["crypted.rootpassword"] == {"hashvalue": "*REDACTED*"}
    assert node["secret.hardwaremanagementpassword"] == {"cryptvalue": "*REDACTED*"}
    got = collective(target, "restore", folder, rc=1)
    assert "node n1: crypted.rootpassword: the hash was redacted" in got.err
    assert got.err.endswith("the backup has 3 problems, and nothing was written\n")
    assert run(target, "nodelist") == ""
    got = collective(target, "restore", folder, "--without-secrets")
    assert got.err == "3 secrets and hashes were left out\n"

    # what is there already is not taken away
    collective(source, "restore", folder, "--merge", "--without-secrets")
    assert collective(source, "secret", "get", "n1", "secret.ipmikg").out == "grouped\n"

    # without keys only the collective itself can open them
    bare = str(tmp_path / "bare")
    collective(source, "dump", bare, "--skipkeys")
    assert sorted(os.listdir(bare)) == ["collective.json", "main.json"]
    got = collective(target, "restore", bare, "--replace", rc=1)
    assert "node n1: secret.hardwaremanagementpassword: the value is sealed with the collective " \
           "key" in got.err
    collective(source, "restore", bare, "--replace")
    assert collective(source, "secret", "get", "n1", "secret.ipmikg").out == "grouped\n"


def test_a_backup_is_not_overwritten_by_mistake(source, folder):
    collective(source, "dump", folder, "--unprotected")
    got = collective(source, "dump", folder, "--redact", rc=1)
    assert "keys.json is there already" in got.err or "main.json is there already" in got.err
    got = collective(source, "dump", folder, "--redact", "--force", "--json")
    assert json.loads(got.out)["nodes"] == 3
    assert not os.path.exists(os.path.join(folder, "keys.json"))
    got = collective(source, "dump", folder + "2", rc=1)
    assert "say what becomes of the secrets" in got.err
    got = collective(source, "dump", folder + "2", "--redact", "--unprotected", rc=1)
    assert "exclude each other" in got.err


def test_into_a_collective_that_has_nodes(source, target, folder):
    collective(source, "dump", folder, "--unprotected")
    run(target, "nodegroupdefine mine")
    run(target, "nodedefine n1,n7 groups=mine location.row=old")
    got = collective(target, "restore", folder, rc=1)
    assert got.err.startswith("the collective has 2 nodes and 1 group already: restore with --merge")
    collective(target, "restore", folder, "--merge")
    assert run(target, "nodelist") == "n1\nn2\nn3\nn7\n"
    assert run(target, "nodeattrib n1 location.row") == "n1: location.row:\n"
    assert run(target, "nodeattrib n7 location.row groups") == \
        "n7: groups: mine,everything\nn7: location.row: old\n"
    got = collective(target, "restore", folder, "--replace")
    assert got.out == "restored 3 nodes and 4 groups, deleted 1 node and 1 group\n"
    assert run(target, "nodelist") == "n1\nn2\nn3\n"
    assert "mine" not in run(target, "nodegrouplist")
    got = collective(target, "restore", folder, "--replace", "--merge", rc=1)
    assert "exclude each other" in got.err


@pytest.mark.parametrize("name", ["main.json", "keys.json"])
def test_what_is_no_file_is_not_waited_for(source, target, folder, name):
    collective(source, "dump", folder, "--unprotected")
    path = os.path.join(folder, name)
    os.unlink(path)
    os.mkfifo(path)
    got = collective(target, "restore", folder, rc=1)
    assert f"{path} is not a file" in got.err


def test_all_problems_are_told_and_nothing_is_written(target, folder):
    save(folder, {
        "nodes": {"n1": {"groups": ["nogrp", "rack1"], "no.such": {"value": "1"}},
                  "n/2": {}, "n3": [], "n4": {"groups": "rack1", "location.u": "3"},
                  "n5": {"location.u": {"value": [1]}, "console.method": {"value": "telnet"},
                         "secret.ipmikg": {"cryptvalue": "c2FsdA==!aXY=!Y3J5cHQ=!aG1hYw=="},
                         "crypted.rootpassword": {"hashvalue": "plain"}, "id.index": {"value": -1},
                         "location.row": {"other": 1}, "../x": {"value": "1"}},
                  "n6": {"location.u": {"value": 1.5}, "location.rack": {"value": None}}},
        "nodegroups": {"rack1": {"noderange": {"value": "n1"}, "location.u": {"value": "1"}}}})
    got = collective(target, "restore", folder, rc=1)
    lines = got.err.splitlines()
    assert lines[-1] == f"the backup has {len(lines) - 1} problems, and nothing was written"
    for text in ("group rack1: a group with a noderange has no other attributes",
                 '"n/2" is not a valid node name', "node n1: there is no attribute no.such",
                 "node n1: there is no group nogrp", "node n1: it is said to be in group rack1",
                 "node n3: expected an object", "node n4: groups: expected a list, found a text",
                 "node n4: location.u: expected an object", "node n5: there is no attribute ../x",
                 "node n5: location.u: its value is an array",
                 "node n5: Attribute console.method does not accept value telnet",
                 "node n5: secret.ipmikg: the secret is not in the form that this program writes",
                 "node n5: crypted.rootpassword: the hashvalue is no hash",
                 "node n5: id.index is no number", "node n5: location.row: it has neither value",
                 "node n6: location.u: its value is a number"):
        assert text in got.err, text
    assert run(target, "nodelist") == ""
    for text, why in (("", "no JSON"), ("[]", "expected an object"), ("{}", "no backup"),
                      ('{"nodes":[]}', "expected an object, found an array"), ("{" * 2000, "")):
        with open(os.path.join(folder, "main.json"), "w", encoding="utf-8") as f:
            f.write(text)
        got = collective(target, "restore", folder, rc=1)
        assert "main.json" in got.err, why
    save(folder, {"nodes": {"n1": {"groups": []}}, "nodegroups": {"g": {"nodes": ["n1", "n2", 3]}}})
    got = collective(target, "restore", folder, rc=1)
    assert "group g: it lists node n1, which does not list it in its groups\n" in got.err
    got = collective(target, "restore", folder + "-nowhere", rc=1)
    assert "No such file" in got.err


def test_a_backup_of_confluentdbutil(target, folder):
    """What it has besides is told; its secrets can't be opened."""
    save(folder, {
        "nodes": {"n1": {"groups": ["rack1", "everything"], "id.index": {"value": 4},
                         "location.u": {"value": "3"}, "info.note": {"expression": "N-{node}"},
                         "deployment.useinsecureprotocols": {"value": "always"},
                         "secret.ipmikg": {"cryptvalue": "c2FsdA==!aXY=!Y3J5cHQ=!aG1hYw=="},
                         "crypted.rootpassword": {"hashvalue": "$6$aa$" + 86 * "b"}}},
        "nodegroups": {"rack1": {"nodes": ["n1"], "location.rack": {"value": "7"}},
                       "everything": {"nodes": ["n1"]},
                       "dyn": {"noderange": {"value": "rack1"}, "nodes": []}},
        "users": {"admin": {"id": 1}}, "usergroups": {}})
    with open(os.path.join(folder, "keys.json"), "w", encoding="utf-8") as f:
        json.dump({"cryptkey": "*unencrypted:AAAA", "integritykey": "*unencrypted:AAAA"}, f)
    got = collective(target, "restore", folder, rc=1)
    assert got.err.endswith("confluentdbutil's secrets can't be opened here: --without-secrets "
                            "restores the rest\n")
    got = collective(target, "restore", folder, "--without-secrets")
    assert got.out == "restored 1 node and 3 groups\n"
    assert got.err == ("users: 1 entry is not restored, there is no place for it here\n"
                       "1 secret and hashes were left out\n")
    assert run(target, "nodeattrib n1 info.note location.rack id.index") == \
        "n1: id.index: 4\nn1: info.note: N-n1\nn1: location.rack: 7\n"


def test_without_quorum_nothing_is_dumped_or_restored(source, target, folder):
    collective(source, "dump", folder, "--unprotected")
    try:
        target.network("blackhole")
        wait_until(lambda: not target.raw_show()["quorum"], 20, "sav1 to lose its quorum")
        for args in (("restore", folder), ("dump", folder + "2", "--redact")):
            assert collective(target, *args, rc=1).err == "Collective does not have quorum\n"
    finally:
        target.network("pass")
        wait_until(lambda: target.raw_show()["quorum"], 20, "sav1 to have quorum again")
    assert not os.path.exists(folder + "2")


def test_two_thousand_nodes(source, target, folder):
    """As one revision, while others write; and back in a few seconds."""
    run(source, "nodedefine m1-m2000 groups=rack1,compute location.u=3 info.note={node}")
    writers = [source.spawn("dump", folder + str(i), "--skipkeys") for i in range(2)]
    for i in range(20):
        run(source, f"nodegroupdefine g{i}")
        run(source, f"nodeattrib m1 groups=g{i}")
    for writer in writers:
        out, err = writer.communicate(timeout=60)
        assert writer.returncode == 0, err
        assert out.startswith("dumped 2003 nodes and "), out
    for i in range(2):
        content = load(folder + str(i))
        for group in content["nodes"]["m1"]["groups"]:
            assert "m1" in content["nodegroups"][group]["nodes"]
    started = time.monotonic()
    collective(source, "dump", folder, "--unprotected")
    dumped = time.monotonic()
    got = collective(target, "restore", folder)
    restored = time.monotonic()
    source.world.note(f"dump {dumped - started:.2f} s, restore {restored - dumped:.2f} s")
    assert got.out == "restored 2003 nodes and 24 groups\n"
    assert dumped - started < 10 and restored - dumped < 30
    collective(target, "dump", folder + "-again", "--unprotected")
    assert without_seals(load(folder)) == without_seals(load(folder + "-again"))
    stall = target.raw_show(verbose=True)["loop"]
    source.world.note(f"longest stall of the restoring agent: {stall}")


def asked(member, **message):
    with member.session(timeout=30) as session:
        return session.collective(**message)


def restore_step(member, step, **message):
    return asked(member, operation="restore", step=step, **message)


def test_hostile_requests_are_refused_and_leave_nothing(source, target):
    for message, why in (
            ({"step": "commit", "session": "x"}, "not under way any more"),
            ({"step": "add", "session": "x", "kind": "node", "objects": []}, "not under way"),
            ({"step": "undo"}, "'step' must be"), ({}, "'step' is missing"),
            ({"step": "begin", "mode": "all"}, "'mode' must be"),
            ({"step": "begin", "mode": 1}, "expected a text"),
            ({"step": "begin", "keys": {"cryptkey": 1}}, "expected a text"),
            ({"step": "begin", "keys": {"cryptkey": "!!!", "collective": "a/b"}}, "not in the form"),
            ({"step": "begin", "keys": []}, "keys.json")):
        assert why in asked(target, operation="restore", **message)["error"], message
    for message, why in (({"keys": "all"}, "'keys' must be"), ({"keys": "password"}, "'password'"),
                         ({"redact": 1}, "expected true or false"),
                         ({"redact": True, "keys": "unencrypted"}, "has no keys"),
                         ({"keys": "password", "password": ""}, "the password is empty"),
                         ({"keys": "password", "password": "x" * 2000}, "longer than")):
        assert why in asked(source, operation="dump", **message)["error"], message

    session = restore_step(target, "begin")["session"]
    assert "'objects' must be" in restore_step(target, "add", session=session, kind="user",
                                               objects=[])["error"]
    assert "'name' is missing" in restore_step(target, "add", session=session, kind="node",
                                               objects=[{}, 1])["error"]
    for names in (["n2", "n1"], ["n1", 3]):
        restore_step(target, "add", session=session, kind="node",
                     objects=[{"name": n, "entry": {}} for n in names])
    answer = restore_step(target, "commit", session=session)
    assert answer["problems"] == [
        "node n1: it comes behind n2, which is not the order of their bytes",
        "node n1: it comes behind n2, which is not the order of their bytes"]
    assert "not under way" in restore_step(target, "commit", session=session)["error"]

    # a second upload takes the place of the first
    first = restore_step(target, "begin")["session"]
    second = restore_step(target, "begin")["session"]
    assert "not under way" in restore_step(target, "add", session=first, kind="node",
                                           objects=[])["error"]
    assert restore_step(target, "commit", session=second)["status"] == \
        "restored 0 nodes and 0 groups"
    assert run(target, "nodelist") == ""


def test_a_client_that_goes_away(source, target):
    """A dump ends, a restore that was begun is completed."""
    run(source, "nodedefine m1-m2000 groups=rack1 custom.filling=" + 400 * "x")
    for _ in range(3):
        with source.session(timeout=30) as session:
            session.send({"collective": {"operation": "dump"}})
            session.receive()
    entries = [{"name": f"m{i:04}", "entry": {}} for i in range(500)]
    session = restore_step(target, "begin")["session"]
    restore_step(target, "add", session=session, kind="node", objects=entries)
    with target.session(timeout=30) as client:
        client.send({"collective": {"operation": "restore", "step": "commit", "session": session}})
    wait_until(lambda: len(run(target, "nodelist").split()) == 500, 30, "all to be restored")
    assert "n1" in run(source, "nodelist").split()


def test_after_the_collective_key_has_changed(source, folder, tmp_path):
    """A backup opens with the keys of its day; one without any does not open any more."""
    bare = str(tmp_path / "bare")
    collective(source, "dump", folder, "--unprotected")
    collective(source, "dump", bare, "--skipkeys")
    collective(source, "rekey")
    wait_until(lambda: asked(source, operation="rekey", query=True)["stage"] == "idle", 20,
               "the change of the key to be over")
    got = collective(source, "restore", bare, "--replace", rc=1)
    assert "which this member does not have" in got.err
    run(source, "nodeattrib n1 secret.hardwaremanagementpassword=other")
    collective(source, "restore", folder, "--replace")
    assert collective(source, "secret", "get", "n1", "secret.hardwaremanagementpassword").out == \
        "hunter2\n"
