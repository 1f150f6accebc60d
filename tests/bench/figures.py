"""Measures the figures of the documentation on this machine and prints them as a Markdown table.

Three members on three etcd processes, all on this host, as built without sanitizers. Whatever is
compared is measured in turns within this one run. Usage: make bench, or figures.py [--kills N]
[--idle SECONDS] [--nodes N] with COLLECTIVED and COLLECTIVE in the environment."""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.agent import COMMAND  # noqa: E402
from harness.etcd import etcd_version  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.world import World  # noqa: E402
from scale import scale_table  # noqa: E402


def wall(argv):
    began = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def spread(values, unit, digits=1):
    values = sorted(values)
    return (f"{statistics.median(values):.{digits}f} {unit} (least {values[0]:.{digits}f}, "
            f"90 % below {values[int(len(values) * .9) - 1]:.{digits}f}, "
            f"most {values[-1]:.{digits}f}; n = {len(values)})")


def commands(members):
    """Wall time of the command, on the leader and a follower, in turns with an empty Python."""
    rows = {"leader": [], "follower": [], "raw": [], "python": []}
    for _ in range(60):
        rows["leader"].append(wall([COMMAND, "-s", members[0].socket, "show"]))
        rows["follower"].append(wall([COMMAND, "-s", members[1].socket, "show"]))
        rows["python"].append(wall(["/usr/bin/python3", "-c", "pass"]))
        began = time.perf_counter()
        members[1].raw_show()
        rows["raw"].append((time.perf_counter() - began) * 1000)
    return [
        ("`collective show` on the leader, whole command", spread(rows["leader"], "ms")),
        ("`collective show` on a follower, whole command", spread(rows["follower"], "ms")),
        ("the same over the socket, connect to answer", spread(rows["raw"], "ms", 2)),
        ("`python3 -c pass`, for comparison", spread(rows["python"], "ms")),
    ]


def rpc_counts(world):
    """Calls that the etcd processes have handled, by method; gateway calls are gRPC calls there."""
    counts = {}
    for member in world.cluster.members:
        with urllib.request.urlopen(member.url + "/metrics", timeout=5) as answer:
            text = answer.read().decode()
        for name, value in re.findall(
                r'^grpc_server_started_total\{.*?grpc_method="(\w+)".*?\} (\S+)$', text, re.M):
            counts[name] = counts.get(name, 0) + float(value)
    return counts


def idle(world, members, seconds):
    before = rpc_counts(world)
    sent = sum(p.requests for m in members for p in m.proxies)
    cpu = [m.process.cpu_seconds() for m in members]
    time.sleep(seconds)
    after = rpc_counts(world)
    cpu = [m.process.cpu_seconds() - was for m, was in zip(members, cpu)]
    sent = sum(p.requests for m in members for p in m.proxies) - sent
    # The count itself asked each etcd nothing over gRPC; all calls are the members'.
    calls = {k: (after[k] - before.get(k, 0)) / seconds / len(members) for k in after}
    detail = ", ".join(f"{k} {v:.2f}" for k, v in sorted(calls.items()) if v > 0.001)
    return [
        ("resident memory of an idle agent",
         ", ".join(f"{m.process.rss_kib() / 1024:.1f} MiB" for m in members)),
        (f"CPU time of an idle agent in {seconds} s",
         ", ".join(f"{c * 1000:.0f} ms" for c in cpu) + f" ({max(cpu) / seconds:.2%} at most)"),
        ("HTTP requests of one idle member to etcd", f"{sent / seconds / len(members):.2f} /s"),
        ("gRPC calls etcd handles for one idle member",
         f"{sum(calls.values()):.2f} /s ({detail})"),
    ]


def takeovers(world, members, kills):
    took = []
    for _ in range(kills):
        leader = world.settled(members, 30)
        # At any phase of its renewals.
        time.sleep((len(took) % 10) * 0.2)
        began = time.monotonic()
        leader.kill()
        wait_until(lambda old=leader: any(
            facts["leader"] == m.title and facts["quorum"] for m in members if m is not old
            for facts in [m.raw_show()]), 20, "another to act as leader", every=0.01)
        took.append(time.monotonic() - began)
        leader.start()
    return [(f"kill -9 of the leader to another one acting, TTL {members[0].ttl} s",
             spread(took, "s", 2))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--idle", type=int, default=30)
    parser.add_argument("--nodes", type=int, default=20000)
    args = parser.parse_args()
    world = World(etcds=3)
    try:
        members = world.collective(3, ttl=6)
        rows = commands(members)
        rows += idle(world, members, args.idle)
        rows += takeovers(world, members, args.kills)
        print(f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores, "
              f"etcd {etcd_version(world.cluster.binary)}, load over 15 minutes {os.getloadavg()[2]:.2f}\n")
        print("| measured | value |\n|---|---|")
        for name, value in rows:
            print(f"| {name} | {value} |")
    finally:
        for text in world.shut_down():
            print(text, file=sys.stderr)
    print()
    print("\n".join(scale_table(args.nodes)))


if __name__ == "__main__":
    main()
