"""What a large collective costs: NODES nodes with 15 attributes each, filled and read through the
commands, two agents on one etcd. By itself, with COLLECTIVED, COLLECTIVE and ETCD in the environment:
scale.py [--nodes N], which prints a Markdown table; figures.py prints the same behind its own.

Beside each figure stands the longest time that one callback of a loop took meanwhile, with how much of
it was processor time: on a machine that does other things the rest was theirs."""

import argparse
import collections
import os
import re
import shutil
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from harness.agent import spawn_command  # noqa: E402
from harness.wait import wait_until  # noqa: E402
from harness.wire import Session  # noqa: E402
from harness.world import World  # noqa: E402

# Beside these each node has its groups and its id.index, which are not counted.
MADE = ["collective.manager=mgt1", "collective.managercandidates=mgt1,mgt2",
        "console.method=ipmi", "hardwaremanagement.manager={node}-bmc",
        "hardwaremanagement.method=ipmi", "dns.domain=cluster.example.com",
        "net.eth0.switch=leaf{n1/48}", "net.eth0.switchport={n1%48}",
        "power.a.pdu=pdu-a{n1/24}", "power.a.outlet={n1%24}", "location.rack=r{n1/40}",
        "location.u={n1%40}", "id.model=m1", "id.serial=unknown", "id.uuid=unknown"]
ONE = "custom.owner"


def own_values(number):
    """What an inventory writes: different from node to node, plain."""
    return {"id.uuid": f"{number * 2654435761 % 2**32:08x}-0000-4000-8000-{number:012x}",
            "id.serial": f"SN{number:07d}", "id.model": f"m{number % 7}",
            "net.eth0.hwaddr": f"02:00:{number >> 24:02x}:{number >> 16 & 255:02x}:"
                               f"{number >> 8 & 255:02x}:{number & 255:02x}"}


def spread(values, unit="ms"):
    values = sorted(values)
    return (f"p50 {statistics.median(values):.1f} {unit}, "
            f"p99 {values[min(int(len(values) * .99), len(values) - 1)]:.1f}, "
            f"most {values[-1]:.1f} (n = {len(values)})")


class Scale:
    """The collective, and the rows of the table."""

    def __init__(self, world, nodes):
        self.world = world
        self.members = world.collective(2, ttl=6, proxied=False)
        self.nodes = nodes
        self.all = f"n1-n{nodes}"
        self.rows = []
        self.written = 0
        self.seen = collections.Counter()
        for member in self.members:
            self.watch_stalls(member)

    # what the loops say

    @staticmethod
    def watch_stalls(member):
        answer = member.collective("log", "loop", "debug")
        assert answer.rc == 0, answer

    def stall(self):
        """The longest stall since the last question, of any of the agents, as text."""
        longest = (0.0, 0.0, "")
        for member in self.members:
            process = member.process
            lines = list(process.lines)
            for _, line in lines[self.seen[process]:]:
                match = re.search(r"busy for ([0-9.]+) ms, ([0-9.]+) ms of it working, with (.*)",
                                  line)
                if match:
                    longest = max(longest, (float(match[1]), float(match[2]), match[3]))
            self.seen[process] = len(lines)
        if not longest[0]:
            return "below 10 ms"
        return f"{longest[0]:.0f} ms ({longest[1]:.0f} working; {longest[2]})"

    def row(self, what, value):
        stall = self.stall()
        print(f"{what}: {value}; {stall}", file=sys.stderr, flush=True)
        self.rows.append((what, value, stall))

    # what is measured

    def run(self, *words, member=0):
        """Milliseconds, and the number of lines that were printed."""
        began = time.perf_counter()
        process = spawn_command(*words, socket=self.members[member].socket)
        out, err = process.communicate(timeout=300)
        took = (time.perf_counter() - began) * 1000
        assert process.returncode == 0, (words, err[-500:])
        return took, out.count("\n")

    def many(self, times, *words, lines=None):
        took = []
        for _ in range(times):
            ms, count = self.run(*words)
            assert lines is None or count == lines, (words, count)
            took.append(ms)
        if times == 1:
            return f"{took[0]:.0f} ms"
        return f"{statistics.median(took):.0f} ms (least {min(took):.0f}, most {max(took):.0f}; " \
               f"n = {times})"

    def fill(self):
        self.run("nodegroupdefine", "compute,rack1")
        ms, lines = self.run("nodedefine", self.all, "groups=compute", *MADE)
        assert lines == self.nodes
        self.row(f"`nodedefine {self.all}` with {len(MADE)} attributes", f"{ms / 1000:.1f} s")
        self.inventory()

    def inventory(self, connections=4):
        """The own values of a tenth of the nodes, a request each, over some connections."""
        count = self.nodes // 10

        def work(first):
            with Session(self.members[0].socket, 60) as session:
                for number in range(first, count + 1, connections):
                    frames = session.ask("update", f"/nodes/n{number}/attributes/current",
                                         own_values(number))
                    errors.extend(f for f in frames if "errorcode" in f)
        errors = []
        began = time.perf_counter()
        threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        assert not errors, errors[:3]
        self.row(f"{len(own_values(1))} attributes each of {count} nodes, a request each, "
                 f"{connections} connections", f"{took:.1f} s ({count / took:.0f} /s)")

    def caught_up(self):
        def same():
            revisions = {m.raw_show(True)["database"]["revision"] for m in self.members}
            return len(revisions) == 1
        wait_until(same, 30, "both copies to be at the same revision")

    def reading(self):
        self.row("`nodelist`", self.many(9, "nodelist", lines=self.nodes))
        self.row("`nodelist` of a filter", self.many(9, "nodelist", "id.model=m3"))
        self.row("`nodelist` of a filter on expressions",
                 self.many(5, "nodelist", "location.rack=r7"))
        self.row("`nodeattrib` of one attribute of all nodes",
                 self.many(5, "nodeattrib", self.all, "id.model", lines=self.nodes))
        self.row("`nodeattrib` of one expression of all nodes",
                 self.many(5, "nodeattrib", self.all, "hardwaremanagement.manager"))
        self.row("`nodeattrib` of all nodes, what is set", self.many(1, "nodeattrib", self.all))
        self.row("`nodeattrib` of all nodes, `all`", self.many(1, "nodeattrib", self.all, "all"))

    def slow_reader(self):
        """Somebody who asks for everything and reads nothing must cost nothing."""
        member = self.members[0]
        before = member.process.rss_kib()
        with Session(member.socket, 60) as session:
            session.send({"operation": "retrieve",
                          "path": f"/noderange/{self.all}/attributes/all"})
            took = []
            for _ in range(50):
                began = time.perf_counter()
                member.raw_show()
                took.append((time.perf_counter() - began) * 1000)
            grown = (member.process.rss_kib() - before) / 1024
        self.row("a client that asks for all of it and reads none: another's `show`",
                 spread(took) + f"; memory {grown:+.1f} MiB")

    def writing(self):
        ms, _ = self.run("nodeattrib", self.all, f"{ONE}=first")
        self.row("`nodeattrib` of one attribute of all nodes, written", f"{ms / 1000:.2f} s")
        side = self.beside(lambda: self.run("nodeattrib", self.all, f"{ONE}=second"))
        self.row("the same, beside writes of one node", f"{side[0][0] / 1000:.2f} s")
        self.row("these writes of one node meanwhile", spread(side[1]))
        self.row("writes of one node with nothing beside", spread(self.singles(200)))

    def single(self, session):
        self.written += 1
        node = f"n{self.written * 61 % self.nodes + 1}"
        began = time.perf_counter()
        frames = session.ask("update", f"/nodes/{node}/attributes/current",
                             {"info.note": f"note {self.written}"})
        assert not any("errorcode" in f for f in frames), frames
        return (time.perf_counter() - began) * 1000

    def singles(self, count):
        with Session(self.members[0].socket, 60) as session:
            return [self.single(session) for _ in range(count)]

    def beside(self, work):
        result = []
        thread = threading.Thread(target=lambda: result.append(work()))
        took = []
        thread.start()
        with Session(self.members[0].socket, 60) as session:
            while thread.is_alive():
                took.append(self.single(session))
        thread.join()
        return result[0], took

    def visible(self, count=300):
        """From the request on one member to the value on the other."""
        took = []
        with Session(self.members[0].socket) as here, Session(self.members[1].socket) as there:
            for number in range(count):
                node = f"n{number * 61 % self.nodes + 1}"
                path = f"/nodes/{node}/attributes/current"
                began = time.perf_counter()
                here.send({"operation": "update", "path": path,
                           "parameters": {"info.note": f"seen {number}"}})
                while True:
                    frames = there.ask("retrieve", path, {"attributes": ["info.note"]})
                    if any(f.get("info.note", {}).get("value") == f"seen {number}"
                           for f in frames):
                        break
                took.append((time.perf_counter() - began) * 1000)
                here.answer()
        self.row("a change to visible on the other member, from its request", spread(took))

    def memory(self):
        self.row("resident memory of the agents", ", ".join(
            f"{m.process.rss_kib() / 1024:.0f} MiB" for m in self.members))

    def restart(self):
        member = self.members[1]
        member.term()
        self.stall()
        began = time.perf_counter()
        member.start(wait=False)
        wait_until(member.answers, 30, "the socket", every=0.005)
        self.watch_stalls(member)
        wait_until(lambda: member.raw_show(True)["database"].get("keys", 0) > self.nodes * 15,
                   90, "the copy", every=0.005)
        loaded = time.perf_counter() - began
        wait_until(lambda: member.raw_show(True)["database"].get("age") == 0, 30, "live",
                   every=0.005)
        live = time.perf_counter() - began
        facts = member.raw_show(True)["database"]
        self.row("restart: to the copy being readable, and to it being current",
                 f"{loaded:.2f} s, {live:.2f} s (load {facts['load_time']} s, "
                 f"{facts['listed']} keys listed)")

    def listing(self):
        """Without a copy on disk, everything comes from etcd."""
        member = self.members[1]
        member.term()
        shutil.rmtree(member.state_dir)
        os.makedirs(member.state_dir, mode=0o700)
        self.stall()
        began = time.perf_counter()
        member.start(wait=False)
        wait_until(member.answers, 30, "the socket", every=0.005)
        self.watch_stalls(member)
        wait_until(lambda: member.raw_show(True)["database"].get("keys", 0) > self.nodes * 15,
                   90, "the listing", every=0.01)
        took = time.perf_counter() - began
        facts = member.raw_show(True)["database"]
        self.row("first load: start with an empty copy, everything listed from etcd",
                 f"{took:.2f} s ({facts['listed']} keys)")
        self.row("resident memory after it", f"{member.process.rss_kib() / 1024:.0f} MiB")
        wait_until(lambda: member.raw_show(True)["database"]["copy"] == "current", 60, "on disk")

    def removing(self):
        ms, _ = self.run("noderename", f"n1-n{self.nodes // 10}", "m{n1}")
        self.row(f"`noderename` of {self.nodes // 10}", f"{ms / 1000:.1f} s")
        ms, _ = self.run("noderemove", f"n{self.nodes // 10 + 1}-n{self.nodes}")
        self.row(f"`noderemove` of {self.nodes - self.nodes // 10}", f"{ms / 1000:.1f} s")

    def table(self):
        """Measures everything; the lines of the table."""
        self.fill()
        self.caught_up()
        self.memory()
        self.reading()
        self.slow_reader()
        self.writing()
        self.visible()
        self.restart()
        self.listing()
        self.removing()
        return ["| measured | value | longest stall of a loop meanwhile |", "|---|---|---|",
                *(f"| {' | '.join(row)} |" for row in self.rows)]


def scale_table(nodes):
    world = World(etcds=1)
    try:
        return Scale(world, nodes).table()
    finally:
        for text in world.shut_down():
            print(text, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=20000)
    args = parser.parse_args()
    print("\n".join(scale_table(args.nodes)))


if __name__ == "__main__":
    main()
