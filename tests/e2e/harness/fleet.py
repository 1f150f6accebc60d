"""Nodes for the fault scenarios: who manages them, who should, how soon, and whether all of it was right."""

import collections
import contextlib
import json
import os
import subprocess
import threading
import time

from .checker import CANDIDATES, MANAGER, State, judge
from .etcdclient import Key, b64, prefix_end
from .wait import Timeout, wait_until

OPS = 120  # in one of our transactions, which are a user's to the judge
TICKET = "writes/test/0"


def title(member):
    """Of an agent, or of its name itself."""
    return member if isinstance(member, str) else member.title


class Recorder(threading.Thread):
    """Follows a prefix in etcd and stamps what it hears: `events` are (time.monotonic(), revision,
    "PUT" or "DELETE", Key); `keys` is how things stand, `counts` how many nodes each manager has. Goes to another etcd when its own goes."""

    def __init__(self, world, prefix, keys, since):
        super().__init__(daemon=True)
        self.world, self.prefix = world, prefix
        self.events = []
        self.keys = {k.key: k for k in keys}
        self.counts = collections.Counter(
            k.value for k in keys if k.key.endswith("/" + MANAGER))
        self.revision = since
        self.ended = False
        self.may = threading.Event()
        self.may.set()
        self.changed = threading.Condition()
        self.start()

    def run(self):
        while not self.ended:
            for member in self.world.cluster.members:
                self.may.wait()
                if member.running and not member.process.stopped and not self.ended:
                    try:
                        self._follow(member.url)
                    except (OSError, ValueError):
                        pass
            time.sleep(0.02)

    def _follow(self, url):
        client = self.world.cluster.client_of([url])
        body = {"create_request": {"key": b64(self.prefix), "range_end": b64(prefix_end(self.prefix)),
                                   "start_revision": str(self.revision + 1)}}
        # pylint: disable=protected-access
        with client._open(url, "/v3/watch", body, 1) as stream:
            for line in stream:
                now = time.monotonic()
                result = json.loads(line).get("result", {})
                if self.ended or not self.may.is_set() or result.get("canceled"):
                    return
                with self.changed:
                    for event in result.get("events", []):
                        self._take(now, event.get("type", "PUT"), Key(event["kv"]))
                    self.changed.notify_all()

    def _take(self, now, kind, key):
        self.events.append((now, key.mod_revision, kind, key))
        self.revision = max(self.revision, key.mod_revision)
        old = self.keys.pop(key.key, None)
        if kind == "PUT":
            self.keys[key.key] = key
        if key.key.endswith("/" + MANAGER):
            if old:
                self.counts[old.value] -= 1
            if kind == "PUT":
                self.counts[key.value] += 1

    def wait(self, condition, deadline, what):
        """condition() is looked at with each event; its value, once that is true."""
        end = time.monotonic() + deadline
        with self.changed:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise Timeout(f"waited {deadline:g} s in vain for: {what}; "
                                  f"the last events: {self.events[-5:]}")
                self.changed.wait(min(left, 0.5))

    @contextlib.contextmanager
    def away(self):
        """Leaves etcd and this machine alone meanwhile; what happened is caught up with afterwards."""
        self.may.clear()
        try:
            yield
        finally:
            self.may.set()

    def close(self):
        self.ended = True
        self.may.set()


class Fleet:
    """`count` nodes n1, n2, … of the group compute, whose candidates are all members (or those named),
    given to the members by turns (or to `manager`). own: each node has its candidates itself."""

    def __init__(self, world, members, count=60, candidates=None, manager=None, own=False):
        self.world, self.members, self.count = world, members, count
        self.names = [m.title for m in members]
        self.prefix = world.cluster.prefix
        self.candidates = candidates or ",".join(self.names)
        puts = {"groups/compute/noderange": ""}
        if not own:
            puts[f"groups/compute/{CANDIDATES}"] = self.candidates
        for number in range(1, count + 1):
            puts[f"nodes/n{number}/groups"] = "compute"
            puts[f"nodes/n{number}/{MANAGER}"] = (
                manager or self.names[(number - 1) % len(self.names)])
            if own:
                puts[f"nodes/n{number}/{CANDIDATES}"] = self.candidates
        self.put(puts)
        self.since = world.etcd.revision()
        keys = world.etcd.list(self.prefix, self.since)
        self.recorder = Recorder(world, self.prefix, keys, self.since)
        for member in members:
            wait_until(lambda m=member: int(m.raw_show(True)["database"]["revision"]) >= self.since,
                       30, f"{member.title} to know the nodes")

    def put(self, puts):
        """Straight into etcd, as many keys a transaction as it takes."""
        items = list(puts.items())
        for start in range(0, len(items), OPS):
            self.world.etcd.call("/v3/kv/txn", {"success": [
                {"request_put": {"key": b64(self.prefix + path), "value": b64(value)}}
                for path, value in [(TICKET, "x"), *items[start:start + OPS]]]}, 20)

    # who has what

    @property
    def state(self):
        with self.recorder.changed:
            return State(self.prefix, list(self.recorder.keys.values()))

    def managers(self):
        """{node: manager}, as etcd said last."""
        return self.state.managers()

    def of(self, *names):
        """The nodes of these members, or of these titles."""
        titles = {title(n) for n in names}
        return sorted(n for n, m in self.managers().items() if m in titles)

    def left_by(self, *names, deadline=15):
        """Waits until nobody of these manages a node; the time of the change that did it."""
        self.recorder.wait(lambda: not self.left(*names), deadline,
                           f"the nodes of {[title(n) for n in names]} to have other managers")
        last = [stamp for stamp, _, _, key in self.recorder.events
                if key.key.endswith("/" + MANAGER)]
        return last[-1] if last else time.monotonic()

    def left(self, *names):
        """How many nodes these have."""
        return sum(self.recorder.counts[title(n)] for n in names)

    def moves_begun(self, deadline=15, since=None, leader=None):
        """Waits for the first move after revision `since` (now); the entry of history it came with."""
        since = self.recorder.revision if since is None else since
        prefix = self.prefix + "history/"

        def begun():
            for _, revision, kind, key in self.recorder.events:
                if revision > since and kind == "PUT" and key.key.startswith(prefix):
                    entry = json.loads(key.value)
                    if entry.get("moves") and leader in (None, entry.get("by")):
                        return entry
            return None
        return self.recorder.wait(begun, deadline, "a leader to move nodes")

    def spread_evenly(self, *among):
        """The nodes are where the least loaded candidate would have got them: the loads of these
        members differ by what they had before and one at most."""
        loads = [len(self.of(name)) for name in among]
        return max(loads) - min(loads) <= 1

    # the judge

    def judged(self, *pardoned):
        """The report on all that happened; fails on whatever the judge finds, but for the rules that
        the scenario itself broke by hand."""
        report = judge(self.world, self.since)
        wrong = [v for v in report.violations if v.rule not in pardoned]
        report.violations = wrong
        assert not wrong, str(report)
        lost = [n for n, m in report.state.managers().items() if not m]
        assert not lost, f"without a manager: {lost[:5]}"
        assert len(report.state.managers()) == self.count, "a node is gone"
        return report

    def unmoved(self):
        """Nobody moved anything since the nodes were made."""
        report = self.judged()
        assert report.moves == [], report.moves[:5]
        return report

    def close(self):
        self.recorder.close()


def etcdctl(world, *args, timeout=15):
    """What an administrator types, at an etcd that runs."""
    member = next(m for m in world.cluster.members if m.running and not m.process.stopped)
    program = os.environ.get("ETCDCTL") or "etcdctl"
    done = subprocess.run([program, "--endpoints", member.url, *args], capture_output=True, text=True,
                          env=dict(os.environ, ETCDCTL_API="3"), timeout=timeout, check=False)
    assert done.returncode == 0, done
    return done.stdout


def raft_leader_to(world, target):
    """Makes that etcd the leader of its cluster."""
    leader = world.cluster.wait_leader()
    if leader is target:
        return
    status = world.etcd.status_at(target.url)
    world.cluster.client_of([leader.url]).call(
        "/v3/maintenance/transfer-leadership", {"targetID": status["header"]["member_id"]}, 10)
    wait_until(lambda: world.cluster.leader() is target, 10, f"etcd {target.name} to lead")
