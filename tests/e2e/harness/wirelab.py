"""A site whose hosts are network namespaces on a wire that fails as told (netns.py).

Unless told otherwise each etcd member has a host of its own, e1, e2, …, and each agent, mgt1, mgt2, ….
`together`: agent mgtN runs on the host of etcd eN, as small sites do it. The test itself reaches
etcd by ways that no fault of the wire touches, and the agents by their sockets."""

import os

import pytest

from .agent import Agent
from .etcd import Etcd
from .netns import Wire, why_not
from .ports import release
from .world import World

CLIENT_PORT, PEER_PORT, AGENT_PORT = 2379, 2380, 13001


class WireEtcd(Etcd):
    """An etcd on a host of the wire."""

    def __init__(self, cluster, name, host):
        super().__init__(cluster, name)
        release(self.client_port)
        release(self.peer_port)
        self.host = host
        self.enter = host.enter
        self.client_port = host.relay(CLIENT_PORT)
        self.peer_port = PEER_PORT

    @property
    def member_url(self):
        return f"http://{self.host.ip}:{CLIENT_PORT}"

    @property
    def listen_urls(self):
        return f"{self.member_url},http://127.0.0.1:{CLIENT_PORT}"

    @property
    def peer_url(self):
        return f"http://{self.host.ip}:{PEER_PORT}"


class Lab(World):
    """A World on a wire."""

    def __init__(self, etcds=3, together=False, seed=1, **cluster):
        reason = why_not()
        if reason:
            pytest.skip(reason)
        self.wire = Wire(seed)
        self.together = together
        try:
            super().__init__(etcds, make=lambda cluster, name: WireEtcd(
                cluster, name, self.wire.host(name)), **cluster)
        except BaseException:
            self.wire.close()
            raise

    def agent(self, title, start=True, **kwargs):  # pylint: disable=arguments-differ
        made = Agent(self, title, [m.member_url for m in self.cluster.members], **kwargs)
        if self.together:
            made.host = self.cluster.members[len(self.agents)].host
        else:
            made.host = self.wire.host(title)
        release(made.port)
        made.port = AGENT_PORT
        made.enter = made.host.enter
        made.config["member"].update(address=made.host.ip, port=AGENT_PORT)
        self.agents.append(made)
        if start:
            made.start()
        return made

    # faults

    @property
    def etcd_hosts(self):
        return [m.host for m in self.cluster.members]

    def cut_off(self, agent, etcds=None, **rule):
        """The agent's way to etcd (to all of it): down, or as the rule says."""
        self.wire.between([agent.host], etcds or self.etcd_hosts, **(rule or {"down": True}))

    def reconnect(self, agent):
        self.wire.between([agent.host], self.wire.hosts)

    def of_host(self, host):
        """The processes there."""
        return [x for x in (*self.cluster.members, *self.agents) if x.host is host]

    def power_off(self, host):
        """Nothing comes from there any more, no end of any connection either."""
        self.wire.isolate(host)
        for one in self.of_host(host):
            if one.running:
                one.kill()

    def power_on(self, host):
        self.wire.rejoin(host)
        for one in self.of_host(host):
            one.start()

    def shut_down(self):
        self.wire.heal()
        for agent in self.agents:
            if agent.process:
                agent.process.cont()
        found = super().shut_down()
        self.wire.close()
        return found


class Freezer:
    """Stops all processes of a host at one moment, as a hypervisor stops a virtual machine: with the
    freezer of control groups where there is one, else with a signal to each."""

    def __init__(self, things):
        self.processes = [t.process for t in things]
        self.folder = self.file = None
        self.words = ("1", "0")
        for top, name, words in (("/sys/fs/cgroup/freezer", "freezer.state", ("FROZEN", "THAWED")),
                                 ("/sys/fs/cgroup/unified", "cgroup.freeze", ("1", "0")),
                                 ("/sys/fs/cgroup", "cgroup.freeze", ("1", "0"))):
            folder = os.path.join(top, f"collective-test-{os.getpid()}-{id(self):x}")
            try:
                os.mkdir(folder)
            except OSError:
                continue
            if os.path.exists(os.path.join(folder, name)) and self._enter(folder):
                self.folder, self.file, self.words = folder, os.path.join(folder, name), words
                break
            os.rmdir(folder)

    def _enter(self, folder):
        try:
            for process in self.processes:
                with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as f:
                    f.write(str(process.pid))
        except OSError:
            return False
        return True

    def _say(self, word):
        with open(self.file, "w", encoding="ascii") as f:
            f.write(word)

    def freeze(self):
        for process in self.processes:
            process.stopped = True
            if not self.file:
                process.stop()
        if self.file:
            self._say(self.words[0])

    def thaw(self):
        if self.file:
            self._say(self.words[1])
        for process in self.processes:
            process.cont()

    def close(self):
        """Thawed, and the group is gone: its processes are back where this process is."""
        self.thaw()
        if not self.folder:
            return
        top = os.path.dirname(self.folder)
        for process in self.processes:
            if process.running:
                with open(os.path.join(top, "cgroup.procs"), "w", encoding="ascii") as f:
                    f.write(str(process.pid))
        os.rmdir(self.folder)
