"""How long nodes are without a manager that is there: three members on three etcd processes, NODES nodes
with one manager, which is killed; the time until etcd has another manager for the last of them. By
itself, with COLLECTIVED, COLLECTIVE and ETCD in the environment: failover.py [--nodes N] [--kills N],
which prints a Markdown table.

Who is killed in turns: a member that follows; the leader; the leader together with the etcd leader. The
times come from the test's own watch of an etcd that stays. The hold-down is off: it would make the
second kill of a member wait."""

import argparse
import collections
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.agent import spawn_command  # noqa: E402
from harness.etcdclient import Key, b64, prefix_end  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.world import World  # noqa: E402

TTL = 6


class Watch:
    """What one etcd tells of active keys and of history, with the moment at which it was told. Every
    transaction of moves writes its counts into history, so there is no need to watch the nodes, which
    would cost as much as a further member."""

    def __init__(self, world, etcd):
        self.active, self.history = world.key("active/"), world.key("history/")
        self.gone = {}     # member: when its active key went
        self.entries = {}  # key of history: what it says now
        self.first = self.last = None
        client = world.cluster.client_of([etcd.url])
        since = client.revision() + 1
        self.streams = [self.open(client, etcd, prefix, since)
                        for prefix in (self.active, self.history)]
        self.threads = [threading.Thread(target=self.run, args=(stream,), daemon=True)
                        for stream in self.streams]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def open(client, etcd, prefix, since):
        request = {"key": b64(prefix), "range_end": b64(prefix_end(prefix)), "start_revision": str(since)}
        return client._open(etcd.url, "/v3/watch", {"create_request": request}, 60)  # noqa: SLF001

    def run(self, stream):
        try:
            for line in stream:
                now = time.monotonic()
                for event in json.loads(line).get("result", {}).get("events", []):
                    self.take(now, event.get("type", "PUT"), Key(event["kv"]))
        except (OSError, ValueError, AttributeError):
            return  # closed

    def take(self, now, kind, key):
        if kind == "DELETE" and key.key.startswith(self.active):
            self.gone.setdefault(key.key[len(self.active):], now)
        elif kind == "PUT" and key.key.startswith(self.history):
            entry = json.loads(key.value)
            if entry["kind"] == "failover":
                self.entries[key.key] = entry
                self.first, self.last = self.first or now, now

    def moved(self, member):
        """How many of the member's nodes have been moved, and to whom."""
        counts = collections.Counter()
        for entry in list(self.entries.values()):
            for move in entry["moves"]:
                if move["from"] == member:
                    counts[move["to"]] += move["nodes"]
        return counts

    def close(self):
        for stream in self.streams:
            try:
                stream.fp.raw._sock.shutdown(2)  # noqa: SLF001
            except (OSError, AttributeError):
                pass
        for thread, stream in zip(self.threads, self.streams):
            thread.join(5)
            stream.close()


def spread(values):
    values = sorted(values)
    return (f"p50 {values[len(values) // 2]:.2f} s, p99 {values[min(int(len(values) * .99), len(values) - 1)]:.2f} s, "
            f"most {values[-1]:.2f} s (n = {len(values)})")


class Failover:
    """The collective, and what was seen."""

    KINDS = ("a follower", "the leader", "the leader and the etcd leader")

    def __init__(self, world, nodes, members=3):
        self.world, self.nodes = world, nodes
        # straight to etcd: a proxy of the harness would be the slowest part
        self.members = world.collective(members, ttl=TTL, proxied=False)
        for member in self.members:
            member.config["failover"] = {"hold_down": 0}
            member.restart()
        world.settled(self.members, 30)
        self.run("nodegroupdefine", "compute")
        self.run("nodegroupattrib", "compute", "collective.managercandidates=mgt1,mgt2,mgt3")
        self.run("nodedefine", f"n1-n{nodes}", "groups=compute")
        self.took = {kind: [] for kind in self.KINDS}
        self.writing = []
        self.uneven = 0

    def run(self, *words, member=0):
        process = spawn_command(*words, socket=self.members[member].socket)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, (words, err[-500:])

    def victim(self, kind):
        leader = self.world.settled(self.members, 30)
        if kind == "a follower":
            return next(m for m in self.members if m is not leader)
        return leader

    def one(self, kind, phase):
        victim = self.victim(kind)
        etcds = self.world.cluster.members
        doomed = self.world.cluster.wait_leader() if kind.endswith("etcd leader") else None
        # on one that was not just restarted: its copy has all of the last failover
        other = next(i for i, m in enumerate(self.members) if m is not victim)
        self.run("nodeattrib", f"n1-n{self.nodes}", f"collective.manager={victim.title}", member=other)
        watch = Watch(self.world, next(e for e in etcds if e is not doomed))
        time.sleep(phase * TTL / 3)  # at any phase of its renewals
        began = time.monotonic()
        victim.kill()
        if doomed:
            doomed.kill()

        wait_until(lambda: watch.moved(victim.title).total() >= self.nodes, 60,
                   f"{self.nodes} nodes to have another manager", every=0.005)
        watch.close()
        counts = watch.moved(victim.title)
        self.check(victim)
        self.uneven = max(self.uneven, max(counts.values()) - min(counts.values()))
        self.took[kind].append(watch.last - began)
        self.writing.append(watch.last - watch.first)
        print(f"{kind}: lease ended after {watch.gone.get(victim.title, began) - began:.2f} s, first nodes "
              f"{watch.first - began:.2f} s, last {watch.last - began:.2f} s, {dict(counts)}",
              file=sys.stderr, flush=True)
        if doomed:
            doomed.start()
            self.world.cluster.wait_healthy()
        victim.start()

    def check(self, victim):
        """What etcd itself says, all of it."""
        suffix = "/collective.manager"
        managers = [key.value for key in self.world.etcd.list(self.world.key("nodes/"))
                    if key.key.endswith(suffix)]
        assert len(managers) == self.nodes and victim.title not in managers, collections.Counter(managers)

    def table(self, kills):
        for number in range(kills):
            for kind in self.KINDS:
                self.one(kind, number % 10 / 10)
        rows = [(f"kill -9 of {kind} to another manager in etcd for the last of {self.nodes} nodes, TTL {TTL} s",
                 spread(self.took[kind])) for kind in self.KINDS]
        rows.append((f"of that, from the first transaction to the last", spread(self.writing)))
        rows.append(("which is nodes written a second, by the median",
                     f"{self.nodes / sorted(self.writing)[len(self.writing) // 2]:.0f} /s"))
        rows.append(("largest difference of the two others' nodes afterwards", str(self.uneven)))
        return ["| measured | value |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]


def failover_table(nodes, kills):
    world = World(etcds=3)
    try:
        return Failover(world, nodes).table(kills)
    finally:
        for text in world.shut_down():
            print(text, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10000)
    parser.add_argument("--kills", type=int, default=10, help="of each kind")
    args = parser.parse_args()
    print("\n".join(failover_table(args.nodes, args.kills)))


if __name__ == "__main__":
    main()
