"""Changes of nodes and groups through the socket: who changes what at the same time, what is read
afterwards, and what is refused."""

import threading
import time

from harness.wait import wait_until
from harness.wire import Closed

SECRET = "open sesame 4711"


def create(member, name, **attributes):
    with member.session() as session:
        return session.ask("create", "/noderange/", {"name": name, **attributes})


def group(member, name, **attributes):
    with member.session() as session:
        return session.ask("create", "/nodegroups/", {"name": name, **attributes})


def update(member, nodes, **attributes):
    with member.session(timeout=40) as session:
        return session.ask("update", f"/noderange/{nodes}/attributes/all", attributes)


def remove(member, path):
    with member.session(timeout=40) as session:
        return session.ask("delete", path)


def error(frames):
    return next((f.get("error") for f in frames if "errorcode" in f), None)


def current(member, node):
    """What the node has, as a dict."""
    with member.session() as session:
        frames = session.ask("retrieve", f"/nodes/{node}/attributes/current")
    assert not error(frames), frames
    found = {}
    for frame in frames:
        found.update(frame)
    return found


def value(member, node, name):
    return current(member, node).get(name, {}).get("value")


def at_once(*jobs):
    """Runs all of them in threads; their results, in order."""
    results = [None] * len(jobs)

    def run(i):
        results[i] = jobs[i]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def tidy(frames):
    assert not error(frames), frames
    return frames


def test_what_was_written_is_read_next(pair):
    _, (one, _) = pair
    tidy(create(one, "ryw1"))
    with one.session() as session:
        for i in range(100):
            tidy(session.ask("update", "/nodes/ryw1/attributes/all", {"info.note": f"v{i}"}))
            frames = session.ask("retrieve", "/nodes/ryw1/attributes/current")
            assert {"info.note": {"value": f"v{i}"}} in frames


def test_the_other_member_sees_it_soon(pair):
    _, (one, two) = pair
    tidy(create(one, "seen1-seen20"))
    wait_until(lambda: value(two, "seen20", "id.index") is not None, 5, "the other to see it")
    tidy(update(two, "seen1-seen20", **{"info.note": "there"}))
    assert value(two, "seen7", "info.note") == "there"
    wait_until(lambda: value(one, "seen7", "info.note") == "there", 5, "the first to see it")


def test_one_command_reserves_the_numbers_that_it_needs(pair):
    world, (one, _) = pair
    tidy(create(one, "few1-few300"))
    first = value(one, "few1", "id.index")
    assert value(one, "few300", "id.index") == first + 299
    assert world.etcd.get(world.key("nodeindex")).value == str(first + 300)


def test_numbers_are_given_out_once(pair):
    _, (one, two) = pair
    at_once(*[lambda m=m, i=i: tidy(create(m, f"idx{i}a-idx{i}a,idx{i}b"))
              for i in range(8) for m in [(one, two)[i % 2]]])
    tidy(update(one, "idx0a", **{"info.note": "last"}))
    wait_until(lambda: value(two, "idx0a", "info.note") == "last", 5, "both to see all")
    numbers = [value(two, f"idx{i}{x}", "id.index") for i in range(8) for x in "ab"]
    assert len(set(numbers)) == 16, numbers


def test_different_attributes_of_one_node_both_win(pair):
    _, (one, two) = pair
    tidy(create(one, "both1"))
    wait_until(lambda: current(two, "both1"), 5, "the other to see it")
    for i in range(20):
        a, b = at_once(lambda i=i: update(one, "both1", **{"info.note": f"a{i}"}),
                       lambda i=i: update(two, "both1", **{"location.room": f"b{i}"}))
        tidy(a), tidy(b)
        for member in (one, two):
            wait_until(lambda m=member, i=i: (value(m, "both1", "info.note"),
                                              value(m, "both1", "location.room")) ==
                       (f"a{i}", f"b{i}"), 5, "both to be there")


def test_of_one_attribute_the_last_wins_and_both_agree(pair):
    world, (one, two) = pair
    tidy(create(one, "last1"))
    wait_until(lambda: current(two, "last1"), 5, "the other to see it")
    for i in range(20):
        a, b = at_once(lambda i=i: update(one, "last1", **{"info.note": f"a{i}"}),
                       lambda i=i: update(two, "last1", **{"info.note": f"b{i}"}))
        tidy(a), tidy(b)
    final = world.etcd.get(world.key("nodes/last1/info.note")).value
    assert final in ("a19", "b19")
    for member in (one, two):
        wait_until(lambda m=member: value(m, "last1", "info.note") == final, 5, "all to agree")


def test_prepend_and_remove_never_lose_the_others_change(pair):
    world, (one, two) = pair
    names = [f"pg{i}" for i in range(12)]
    for name in names:
        tidy(group(one, name))
    tidy(create(one, "pre1", groups=",".join(names[6:])))
    wait_until(lambda: current(two, "pre1"), 5, "the other to see it")
    jobs = [lambda m=m, n=n: update(m, "pre1", groups={"prepend": n})
            for m, n in zip([one, two] * 3, names[:6])]
    jobs += [lambda m=m, n=n: update(m, "pre1", groups={"remove": n})
             for m, n in zip([two, one] * 3, names[6:])]
    for frames in at_once(*jobs):
        tidy(frames)
    kept = world.etcd.get(world.key("nodes/pre1/groups")).value
    assert sorted(kept.split(",")) == sorted(names[:6])


def test_a_delete_against_writes_leaves_no_orphans(pair):
    world, (one, two) = pair
    for i in range(15):
        name = f"orphan{i}"
        tidy(create(one, name))
        wait_until(lambda n=name: current(two, n), 5, "the other to see it")
        gone, wrote = at_once(lambda n=name: remove(one, f"/nodes/{n}"),
                              lambda n=name: update(two, n, **{"info.note": "x",
                                                               "location.room": "y"}))
        tidy(gone)
        why = error(wrote)
        assert why is None or "orphan" in why or "not found" in why, why
        left = world.etcd.list(world.key(f"nodes/{name}/"))
        assert not left, left


def test_a_group_is_gone_from_all_nodes_when_it_is_deleted(pair):
    world, (one, two) = pair
    tidy(group(one, "goner"))
    tidy(create(one, "gone1-gone40", groups="goner"))
    tidy(create(one, "late1-late10"))
    wait_until(lambda: current(two, "late10"), 5, "the other to see it")
    frames, *others = at_once(
        lambda: remove(one, "/nodegroups/goner"),
        *[lambda i=i: update(two, f"late{i}", groups={"prepend": "goner"})
          for i in range(1, 11)])
    tidy(frames)
    assert world.etcd.list(world.key("groups/goner/")) == []
    for key in world.etcd.list(world.key("nodes/")):
        if key.key.endswith("/groups"):
            assert "goner" not in key.value.split(","), key
    for frames in others:
        assert error(frames) is None or "goner" in error(frames)


def test_a_large_change_does_not_hold_up_a_small_one(pair):
    _, (one, _) = pair
    tidy(create(one, "big1-big2000"))
    tidy(create(one, "small1"))
    done = {}

    def timed(name, nodes):
        began = time.monotonic()
        tidy(update(one, nodes, **{"info.note": "x"}))
        done[name] = time.monotonic() - began
    at_once(lambda: timed("big", "big1-big2000"), lambda: timed("small", "small1"))
    assert done["small"] <= done["big"] + 0.05, done
    assert value(one, "big1234", "info.note") == "x"
    tidy(remove(one, "/noderange/big1-big2000"))


def test_who_goes_away_is_served_all_the_same(pair):
    world, (one, _) = pair
    tidy(create(one, "away1-away500"))
    with one.session() as session:
        session.send({"operation": "update", "path": "/noderange/away1-away500/attributes/all",
                      "parameters": {"info.note": "left"}})
        wait_until(lambda: world.etcd.get(world.key("nodes/away1/info.note")), 5, "it to begin")
    wait_until(lambda: len([k for k in world.etcd.list(world.key("nodes/away"))
                            if k.key.endswith("/info.note")]) == 500, 10, "it to be completed")


def test_secrets_are_shown_to_root_only_and_are_not_in_etcd(pair):
    world, (one, two) = pair
    tidy(create(one, "sec1"))
    tidy(update(one, "sec1", **{"secret.hardwaremanagementpassword": SECRET,
                                "crypted.rootpassword": SECRET}))
    for key in world.etcd.list(world.key("")):
        assert SECRET not in key.value, key
    assert world.etcd.get(world.key("nodes/sec1/crypted.rootpassword")).value.startswith("$6$")
    wait_until(lambda: "secret.hardwaremanagementpassword" in current(two, "sec1"), 5,
               "the other to see it")
    for member in (one, two):
        assert current(member, "sec1")["secret.hardwaremanagementpassword"] == {"isset": True}
        with member.session() as session:
            answer = session.collective(operation="secret", node="sec1",
                                        attribute="secret.hardwaremanagementpassword")
        assert answer == {"value": SECRET}
        assert SECRET not in member.text
    for node, attribute, part in (("sec1", "crypted.rootpassword", "only a hash"),
                                  ("nosuch", "secret.x", "nosuch"),
                                  ("sec1", "info.note", "no secret"),
                                  ("sec1", "secret.ipmikg", "has no secret.ipmikg")):
        with one.session() as session:
            answer = session.collective(operation="secret", node=node, attribute=attribute)
        assert part in answer["error"], answer


def test_without_quorum_it_is_refused_at_once(world):
    (one,) = world.collective(1)
    tidy(create(one, "n1"))
    one.network("blackhole")
    wait_until(lambda: not one.raw_show()["quorum"], 15, "quorum to be lost")
    before = world.etcd.revision()
    began = time.monotonic()
    frames = update(one, "n1", **{"info.note": "never"})
    assert time.monotonic() - began < 0.5
    assert error(frames) == "Collective does not have quorum"
    assert value(one, "n1", "id.index") == 1
    one.network("pass")
    wait_until(one.is_active, 15, "it to be back")
    assert world.etcd.get(world.key("nodes/n1/info.note")) is None
    assert [k for k in world.etcd.list(world.key("writes/")) if k.mod_revision > before] == []
    tidy(update(one, "n1", **{"info.note": "now"}))


def test_an_etcd_out_of_space_is_named_with_the_remedy(site):
    world = site(flags=["--quota-backend-bytes", "16777216"])
    (one,) = world.collective(1)
    tidy(create(one, "n1-n3"))
    filler = "x" * 1000000
    why = None
    for i in range(40):
        try:
            world.etcd.put(f"/elsewhere/{i}", filler)
        except OSError:
            why = error(update(one, "n1-n3", **{"info.note": f"v{i}"}))
            break
    assert why and "space" in why and "compact" in why, why
    assert world.etcd.get(world.key("nodes/n2/info.note")) is None


def test_a_restarted_member_writes_as_soon_as_it_may(world):
    (one,) = world.collective(1)
    tidy(create(one, "n1"))
    for note in ("again", "and again"):
        tidy(update(one, "n1", **{"location.room": note}))
        one.kill()
        world.etcd.put(world.key("nodes/n1/info.note"), note)
        one.start()
        assert value(one, "n1", "info.note") == note, "not what the copy on disk says"
        assert value(one, "n1", "location.room") == note, "what was written before the end"
        one.kill()
        one.start()
        tidy(update(one, "n1", **{"info.note": "at once"}))
        assert value(one, "n1", "info.note") == "at once"


def test_without_etcd_a_restarted_member_answers_at_once(world):
    (one,) = world.collective(1)
    tidy(create(one, "n1", **{"info.note": "old"}))
    assert one.term() == 0
    one.network("refuse")
    one.start()
    began = time.monotonic()
    assert value(one, "n1", "info.note") == "old"
    assert error(update(one, "n1", **{"info.note": "new"}))
    assert time.monotonic() - began < 6
    one.network("pass")


def test_a_stop_answers_what_is_under_way(world):
    (one,) = world.collective(1)
    tidy(create(one, "n1-n6"))
    for _ in range(3):
        last, wrong = {}, []

        def write(node, one=one, last=last, wrong=wrong):
            for n in range(100000):
                try:
                    failed = error(update(one, node, **{"info.note": f"note {n}"}))
                except (OSError, Closed):
                    return  # it came too late: nothing of it was begun
                if failed:
                    if failed != "collectived is stopping":
                        wrong.append(failed)
                    return
                last[node] = f"note {n}"

        threads = [threading.Thread(target=write, args=(f"n{n}",)) for n in range(1, 7)]
        for thread in threads:
            thread.start()
        wait_until(lambda last=last: len(last) == 6, 10, "all to write")
        began = time.monotonic()
        assert one.term() == 0
        assert time.monotonic() - began < 5
        for thread in threads:
            thread.join()
        assert not wrong
        kept = {n: world.etcd.get(world.key(f"nodes/{n}/info.note")).value for n in last}
        assert kept == last, "what is there is what was acknowledged"
        one.start()
