"""A whole site: an etcd cluster, agents, and the network between them."""

import os
import shutil
import tempfile
import time

from .agent import SANITIZER_REPORT, Agent
from .etcd import EtcdCluster
from .proxy import Network
from .wait import wait_until


class World:
    """Everything a test has, in one short-named temporary folder (a socket's path has a limit)."""

    def __init__(self, etcds=1, **cluster):
        self.folder = tempfile.mkdtemp(prefix="co-")
        self.agents = []
        self.tokens = []
        self.notes = []
        self.options = {}  # sections of options that every agent is to have
        self.began = time.monotonic()
        self.net = Network()
        try:
            self.cluster = EtcdCluster(os.path.join(self.folder, "etcd"), etcds, **cluster)
        except BaseException:
            self.net.shut_down()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def etcd(self):
        return self.cluster.client

    def note(self, text):
        self.notes.append((time.monotonic(), text))

    def seen(self, text):
        """A figure that a test has measured: noted, and appended to the file that E2E_SEEN names."""
        self.note(text)
        if os.environ.get("E2E_SEEN"):
            test = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split(" ")[0]
            with open(os.environ["E2E_SEEN"], "a", encoding="utf-8") as f:
                f.write(f"{test}: {text}\n")

    def key(self, rest):
        return self.cluster.prefix + rest

    def agent(self, title, start=True, proxied=True, **kwargs):
        """A further agent, standalone. Its way to each etcd leads through a proxy of its own."""
        proxies = []
        ports = []
        for member in self.cluster.members:
            if proxied:
                proxy = self.net.proxy(member.client_port, f"{title}-{member.name}")
                proxies.append(proxy)
                ports.append(proxy.port)
            else:
                ports.append(member.client_port)
        urls = [f"{self.cluster.scheme}://127.0.0.1:{port}" for port in ports]
        made = Agent(self, title, urls, **kwargs)
        made.proxies = proxies
        self.agents.append(made)
        if start:
            made.start()
        return made

    def found(self, name="mgt1", **kwargs):
        """A standalone agent that founds a collective by its first invitation."""
        first = self.agent(name, name=name, **kwargs)
        token = first.invite("mgt2")
        wait_until(first.is_active, 10, f"{name} to be active after founding")
        return first, token

    def add(self, inviter, name, *args, **kwargs):
        """A further member, invited by `inviter`."""
        joiner = self.agent(name, **kwargs)
        answer = joiner.join(inviter, inviter.invite(name, *args))
        assert answer.rc == 0, answer
        return joiner

    def collective(self, size=3, **kwargs):
        """mgt1 (the leader), mgt2, …, all active and known to each other."""
        first, token = self.found(**kwargs)
        members = [first]
        for number in range(2, size + 1):
            joiner = self.agent(f"mgt{number}", **kwargs)
            if number > 2:
                token = members[-1].invite(joiner.title)
            answer = joiner.join(members[-1], token)
            assert answer.rc == 0, answer
            members.append(joiner)
        self.settled(members)
        return members

    def settled(self, members, deadline=15):
        """All of them agree that all of them are active, and on the leader, who is returned."""
        names = sorted(m.raw_show()["name"] for m in members)

        def agreed():
            leaders = set()
            for member in members:
                facts = member.raw_show()
                active = sorted([facts["leader"], *facts["active"]])
                if not facts["quorum"] or active != names:
                    raise AssertionError(f"{member.title} says {facts}")
                leaders.add(facts["leader"])
            return len(leaders) == 1 and leaders.pop()
        leader = wait_until(agreed, deadline, f"{names} to agree that all are active")
        return next(m for m in members if m.raw_show()["name"] == leader)

    def acting_leaders(self, members):
        """Titles of those who say of themselves that they lead, with quorum."""
        found = []
        for member in members:
            if member.running and not member.process.stopped:
                facts = member.raw_show()
                if facts.get("quorum") and facts.get("leader") == facts.get("name"):
                    found.append(member.title)
        return found

    def leader_key(self):
        return self.etcd.get(self.key("leader"))

    def leader_history(self, since=1):
        return self.etcd.history(self.key("leader"), since)

    # the end of a test

    def complaints(self):
        """What is wrong whatever the test was about: sanitizer reports, crashes, secrets in logs."""
        found = []
        for agent in self.agents:
            for process in agent.log:
                if SANITIZER_REPORT.search(process.text):
                    found.append(f"{agent.title}: a sanitizer or assertion spoke:\n{process.text}")
                code = process.popen.poll()
                if code is not None and code < 0 and not process.expected_exit:
                    found.append(f"{agent.title}: ended by signal {-code}")
            for token in self.tokens:
                if token in agent.text:
                    found.append(f"{agent.title}: an invitation is in its log")
        return found

    def end_agents(self):
        """SIGTERM to all at once; those that can't end properly are reported."""
        found = []
        alive = [a for a in self.agents if a.running]
        for agent in alive:
            agent.cont()
            agent.network("pass")
            agent.process.expected_exit = True
            agent.process.signal(15)
        for agent in alive:
            try:
                code = agent.process.ended(15)
                if code != 0:
                    found.append(f"{agent.title}: exit status {code} after SIGTERM")
            except AssertionError as error:
                found.append(str(error))
        return found

    def dump(self):
        """What happened, in order, for the report of a failed test."""
        lines = list(self.notes)
        for agent in self.agents:
            for process in agent.log:
                lines += [(t, f"[{agent.title}] {text}") for t, text in list(process.lines)]
        for member in self.cluster.members:
            for process in member.log:
                lines += [(t, f"[etcd {member.name}] {text[:300]}")
                          for t, text in list(process.lines)[-40:]]
        lines.sort(key=lambda entry: entry[0])
        return "\n".join(f"{t - self.began:9.3f} {text}" for t, text in lines)

    def shut_down(self):
        found = self.end_agents() + self.complaints()
        for agent in self.agents:
            if agent.running:
                agent.kill()
        self.cluster.shut_down()
        self.net.shut_down()
        if not os.environ.get("E2E_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
        return found
