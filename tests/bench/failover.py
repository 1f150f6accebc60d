"""How long nodes are without a manager that is there: three members on three etcd processes, NODES nodes
with one manager, which is killed; the time until etcd has another manager for the last of them. By
itself, with COLLECTIVED, COLLECTIVE and ETCD in the environment: failover.py [--nodes N] [--kills N],
which prints a Markdown table.

Who is killed in turns: a member that follows; the leader; the leader together with the etcd leader. The
times come from the test's own watch of an etcd that stays. The hold-down is off: it would make the
second kill of a member wait."""

import argparse
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.agent import spawn_command  # noqa: E402
from harness.etcdclient import Key, b64  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.world import World  # noqa: E402

TTL = 6


class Watch:
    """What one etcd tells of every change, with the moment at which it was told."""

    def __init__(self, world, etcd):
        self.nodes = re.compile(re.escape(world.key("nodes/")) + r"([^/]+)/collective\.manager$")
        self.active = world.key("active/")
        self.gone = {}      # member: when its active key went
        self.managers = {}  # node: (when, manager)
        client = world.cluster.client_of([etcd.url])
        body = {"create_request": {"key": b64("\0"), "range_end": b64("\0"),
                                   "start_revision": str(client.revision() + 1)}}
        self.stream = client._open(etcd.url, "/v3/watch", body, 60)  # noqa: SLF001
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            for line in self.stream:
                now = time.monotonic()
                for event in json.loads(line).get("result", {}).get("events", []):
                    self.take(now, event.get("type", "PUT"), Key(event["kv"]))
        except (OSError, ValueError, AttributeError):
            return  # closed

    def take(self, now, kind, key):
        node = self.nodes.match(key.key)
        if node and kind == "PUT":
            self.managers[node[1]] = (now, key.value)
        elif kind == "DELETE" and key.key.startswith(self.active):
            self.gone.setdefault(key.key[len(self.active):], now)

    def close(self):
        try:
            self.stream.fp.raw._sock.shutdown(2)  # noqa: SLF001
        except (OSError, AttributeError):
            pass
        self.thread.join(5)
        self.stream.close()


def spread(values):
    values = sorted(values)
    return (f"p50 {values[len(values) // 2]:.2f} s, p99 {values[min(int(len(values) * .99), len(values) - 1)]:.2f} s, "
            f"most {values[-1]:.2f} s (n = {len(values)})")


class Failover:
    """The collective, and what was seen."""

    KINDS = ("a follower", "the leader", "the leader and the etcd leader")

    def __init__(self, world, nodes):
        self.world, self.nodes = world, nodes
        # straight to etcd: a proxy of the harness would be the slowest part
        self.members = world.collective(3, ttl=TTL, proxied=False)
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
        self.run("nodeattrib", f"n1-n{self.nodes}", f"collective.manager={victim.title}")
        watch = Watch(self.world, next(e for e in etcds if e is not doomed))
        time.sleep(phase * TTL / 3)  # at any phase of its renewals
        began = time.monotonic()
        victim.kill()
        if doomed:
            doomed.kill()

        def moved():
            seen = list(watch.managers.values())
            return len(seen) == self.nodes and all(m != victim.title for _, m in seen)
        wait_until(moved, 60, f"{self.nodes} nodes to have another manager", every=0.005)
        watch.close()
        times = [when for when, _ in watch.managers.values()]
        counts = {}
        for _, manager in watch.managers.values():
            counts[manager] = counts.get(manager, 0) + 1
        self.uneven = max(self.uneven, max(counts.values()) - min(counts.values()))
        self.took[kind].append(max(times) - began)
        self.writing.append(max(times) - min(times))
        print(f"{kind}: lease ended after {watch.gone.get(victim.title, began) - began:.2f} s, first node "
              f"{min(times) - began:.2f} s, last {max(times) - began:.2f} s, {counts}", file=sys.stderr, flush=True)
        if doomed:
            doomed.start()
            self.world.cluster.wait_healthy()
        victim.start()

    def table(self, kills):
        for number in range(kills):
            for kind in self.KINDS:
                self.one(kind, number % 10 / 10)
        rows = [(f"kill -9 of {kind} to another manager in etcd for the last of {self.nodes} nodes, TTL {TTL} s",
                 spread(self.took[kind])) for kind in self.KINDS]
        rows.append((f"of that, from the first of the {self.nodes} nodes to the last", spread(self.writing)))
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
