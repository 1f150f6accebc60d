"""Prints what noderanges cost (bench_noderange) and, in the same run, what ClusterShell's nodeset takes
for the same lists and ranges, its start taken off; all of it processor time. Usage: make bench-noderange, or noderange.py PROGRAM."""

import re
import resource
import shutil
import subprocess
import sys

ROUNDS = 2
LIMIT = 120  # seconds that nodeset may take


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000


def cost(argv, text=""):
    """The least processor time of some runs in milliseconds, and what was printed."""
    best, output = None, ""
    for _ in range(ROUNDS):
        before = spent()
        output = subprocess.run(argv, input=text, text=True, check=True, timeout=LIMIT,
                                stdout=subprocess.PIPE).stdout
        took = spent() - before
        best = took if best is None else min(best, took)
    return best, output


def compare(what, ours, argv, text, start):
    try:
        took, output = cost(argv, text)
    except subprocess.TimeoutExpired:
        print(f"nodeset: {what}: not within {LIMIT} s; we: {ours:.1f} ms")
        return
    took = max(took - start, 0.1)
    size = f", {len(output.strip())} bytes" if "-f" in argv else ""
    print(f"nodeset: {what}: {took:.0f} ms{size}; we: {ours:.1f} ms, "
          f"{took / ours:.0f} times as fast")


def figure(table, line):
    return float(re.search(rf"^{re.escape(line)} +\d+ \w+ +([0-9.]+) ms", table, re.M).group(1))


def main():
    program = sys.argv[1]
    table = subprocess.run([program], text=True, check=True, stdout=subprocess.PIPE).stdout
    print(table, end="")
    nodeset = shutil.which("nodeset")
    if not nodeset:
        print("nodeset: not installed (package clustershell)")
        return
    start, _ = cost([nodeset, "-f", "n1"])
    print(f"nodeset: to start: {start:.0f} ms")
    for name in ("flat", "holes", "random"):
        names = subprocess.run([program, name], text=True, check=True,
                               stdout=subprocess.PIPE).stdout
        compare(f"fold {name}", figure(table, f"fold {name}"), [nodeset, "-f"], names, start)
    compare("expand n[1-1000000]", figure(table, "expand n[1-1000000]"),
            [nodeset, "-e", "n[1-1000000]"], "", start)


main()
