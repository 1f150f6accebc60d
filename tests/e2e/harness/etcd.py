"""Real etcd processes on loopback: one, or a cluster of three."""

import os
import re
import shutil
import signal
import subprocess
import time

from .certs import Authority
from .etcdclient import EtcdClient, b64, prefix_end
from .ports import free_port
from .process import Process
from .wait import wait_until


def etcd_binary(which="default"):
    """The etcd to run: the system's, or ("3.5") the one named by ETCD_35; None if there is none."""
    if which == "3.5":
        path = os.environ.get("ETCD_35", "")
        return path if path and os.access(path, os.X_OK) else None
    path = os.environ.get("ETCD", "") or "etcd"
    return shutil.which(path)


def etcd_version(binary):
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10,
                          check=True).stdout
    return re.search(r"etcd Version: (\S+)", text).group(1)


class Etcd:
    """One member. start() again after kill() restarts it on its data."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name
        self.client_port = free_port()
        self.peer_port = free_port()
        self.data = os.path.join(cluster.folder, name)
        self.enter = []  # what its argv begins with
        self.process = None
        self.log = []

    @property
    def url(self):
        return f"{self.cluster.scheme}://127.0.0.1:{self.client_port}"

    @property
    def member_url(self):
        """Where agents find it; `url` is the way of the test."""
        return self.url

    @property
    def listen_urls(self):
        return self.url

    @property
    def peer_url(self):
        return f"http://127.0.0.1:{self.peer_port}"

    def start(self):
        argv = [
            *self.enter, self.cluster.binary, "--name", self.name, "--data-dir", self.data,
            "--listen-client-urls", self.listen_urls, "--advertise-client-urls", self.member_url,
            "--listen-peer-urls", self.peer_url, "--initial-advertise-peer-urls", self.peer_url,
            "--initial-cluster", self.cluster.initial, "--initial-cluster-state", "new",
            "--initial-cluster-token", self.cluster.token, "--logger", "zap",
            "--log-level", "warn", *self.cluster.flags]
        env = {k: v for k, v in os.environ.items() if not k.startswith("ETCD_")}
        self.process = Process(f"etcd {self.name}", argv, env=env, cwd=self.cluster.folder)
        self.log.append(self.process)

    def kill(self):
        self.process.kill()

    def term(self):
        self.process.term(20)

    def stop(self):
        self.process.stop()

    def cont(self):
        self.process.cont()

    @property
    def running(self):
        return self.process is not None and self.process.running

    def healthy(self):
        client = self.cluster.client_of([self.url])
        client.get("/nothing")
        return True

    def wipe(self):
        shutil.rmtree(self.data, ignore_errors=True)


class EtcdCluster:
    """size members. tls: "" (http), "server" (https with a private CA) or "client" (asks clients
    for certificates, too). auth: users and passwords on; root/rootpw, and app/apppw for the prefix."""

    def __init__(self, folder, size=1, binary=None, tls="", auth=False, flags=(),
                 prefix="/confluent/", make=Etcd):
        self.folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.binary = binary or etcd_binary()
        assert self.binary, "no etcd to test with: set ETCD or install etcd-server"
        self.scheme = "https" if tls else "http"
        self.tls = tls
        self.auth = False
        self.flags = list(flags)
        self.token = f"t{time.time_ns()}"
        self.authority = self.client_cert = None
        self.prefix = prefix
        if tls:
            self.authority = Authority(os.path.join(folder, "tls"))
            cert, key = self.authority.server()
            self.flags += ["--cert-file", cert, "--key-file", key]
            if tls == "client":
                self.flags += ["--client-cert-auth", "--trusted-ca-file", self.authority.ca]
                self.client_cert = self.authority.client()
        self.members = [make(self, f"e{n + 1}") for n in range(size)]
        self.initial = ",".join(f"{m.name}={m.peer_url}" for m in self.members)
        self.start()
        if auth:
            self.enable_auth()

    def client_of(self, urls):
        return EtcdClient(urls, self.authority.ca if self.authority else None, self.client_cert,
                          *(("root", "rootpw") if self.auth else ()))

    @property
    def client(self):
        return self.client_of([m.url for m in self.members if m.running and not m.process.stopped])

    def start(self):
        for member in self.members:
            member.start()
        self.wait_healthy()

    def wait_healthy(self, deadline=20):
        for member in self.members:
            if member.running:
                wait_until(member.healthy, deadline, f"etcd {member.name} to serve")

    def enable_auth(self):
        c = self.client
        c.call("/v3/auth/user/add", {"name": "root", "password": "rootpw"})
        c.call("/v3/auth/role/add", {"name": "root"})
        c.call("/v3/auth/user/grant", {"user": "root", "role": "root"})
        c.call("/v3/auth/user/add", {"name": "app", "password": "apppw"})
        c.call("/v3/auth/role/add", {"name": "app"})
        c.call("/v3/auth/role/grant", {"name": "app", "perm": {
            "permType": "READWRITE", "key": b64(self.prefix),
            "range_end": b64(prefix_end(self.prefix))}})
        c.call("/v3/auth/user/grant", {"user": "app", "role": "app"})
        c.call("/v3/auth/enable", {})
        self.auth = True

    def leader(self):
        """The member that leads the raft group."""
        for member in self.members:
            if not member.running or member.process.stopped:
                continue
            try:
                status = self.client_of([member.url]).status_at(member.url)
            except OSError:
                continue
            if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                return member
        return None

    def wait_leader(self, deadline=15):
        return wait_until(self.leader, deadline, "etcd to have a leader")

    def shut_down(self):
        for member in self.members:
            if member.running:
                member.process.signal(signal.SIGCONT)
                member.kill()
