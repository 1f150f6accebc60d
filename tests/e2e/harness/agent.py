"""One agent of a collective: its folders, its configuration, its process, its commands."""

import json
import os
import re
import subprocess
import time

from .ports import free_port
from .process import Process
from .wait import wait_until
from .wire import Session

AGENT = os.environ.get("COLLECTIVED", "collectived")
COMMAND = os.environ.get("COLLECTIVE", "collective")

SANITIZER_REPORT = re.compile(r"ERROR: AddressSanitizer|LeakSanitizer|runtime error:|"
                              r"MemorySanitizer|Assertion .* failed|assertion failed")


class Answer:
    """What a command did: rc, out, err, seconds."""

    def __init__(self, argv, rc, out, err, seconds):
        self.argv, self.rc, self.out, self.err, self.seconds = argv, rc, out, err, seconds

    def __repr__(self):
        return f"<{' '.join(self.argv[1:])}: rc {self.rc}, out {self.out!r}, err {self.err!r}>"


def config_text(value, depth=0):
    """A Python value in libconfig's syntax."""
    pad = "    " * depth
    if isinstance(value, dict):
        body = "".join(f"{pad}    {k} = {config_text(v, depth + 1)};\n" for k, v in value.items())
        return "{\n" + body + pad + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(config_text(v, depth) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def spawn_command(program, *args, socket, **kwargs):
    """A command for nodes or groups, called by its own name as the link beside `collective` does."""
    env = dict(os.environ, CONFLUENT_HOST=socket, **kwargs.pop("env", {}))
    kwargs.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen([program, *args], executable=COMMAND, env=env,
                            stderr=subprocess.PIPE, text=True, **kwargs)


def run_command(program, *args, socket, stdin="", env=None):
    """The same, waited for: (exit status, standard output, standard error)."""
    process = spawn_command(program, *args, socket=socket, stdin=subprocess.PIPE, env=env or {})
    out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out, err


class Agent:
    """Started with start(). Settings are changed in `config` (sections of options) before that, or
    before write_config() and a SIGHUP."""

    def __init__(self, world, title, endpoints, ttl=5, name=None):
        self.world = world
        self.title = title
        self.home = os.path.join(world.folder, title)
        self.config_dir = os.path.join(self.home, "etc")
        self.state_dir = os.path.join(self.home, "state")
        self.socket = os.path.join(self.home, "api.sock")
        self.config_file = os.path.join(self.home, "collective.conf")
        self.port = free_port()
        self.enter = []  # what its argv begins with
        self.proxies = []
        self.process = None
        self.log = []
        self.env = {}
        for folder in (self.home, self.config_dir, self.state_dir):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        self.config = {
            "etcd": {"endpoints": list(endpoints), "allow_loopback": True},
            "member": {"address": "127.0.0.1", "port": self.port, "ttl": ttl},
            "paths": {"config_dir": self.config_dir, "state_dir": self.state_dir,
                      "socket": self.socket},
            "log": {"level": "debug" if os.environ.get("E2E_DEBUG") else "info"},
        }
        for section, options in world.options.items():
            self.config.setdefault(section, {}).update(options)
        if name:
            self.config["member"]["name"] = name
        cluster = world.cluster
        if cluster.tls:
            self.config["etcd"]["ca"] = cluster.authority.ca
        if cluster.client_cert:
            self.config["etcd"]["certificate"], self.config["etcd"]["key"] = cluster.client_cert
        if cluster.auth:
            self.use_password("app", "apppw")

    def use_password(self, user, password):
        path = os.path.join(self.home, "etcd.password")
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w",
                  encoding="ascii") as f:
            f.write(password + "\n")
        self.config["etcd"]["user"] = user
        self.config["etcd"]["password_file"] = path

    @property
    def ttl(self):
        return self.config["member"]["ttl"]

    @property
    def server(self):
        """What others give to `collective join`."""
        return f"{self.config['member']['address']}:{self.port}"

    def path(self, *parts):
        """A file of the configuration folder."""
        return os.path.join(self.config_dir, *parts)

    def write_config(self):
        with open(self.config_file, "w", encoding="utf-8") as f:
            for section, options in self.config.items():
                f.write(f"{section}: {config_text(options)};\n")

    def start(self, wait=True, args=()):
        self.write_config()
        env = dict(os.environ, **self.env)
        env.pop("CONFLUENT_HOST", None)
        self.process = Process(f"agent {self.title}",
                               [*self.enter, AGENT, "-c", self.config_file, *args], env=env,
                               cwd=self.home)
        self.log.append(self.process)
        if wait:
            wait_until(self.answers, 15, f"{self.title} to answer on its socket")
        return self

    def answers(self):
        assert self.process.running, f"{self.title} ended: {self.process.text[-2000:]}"
        with Session(self.socket, 5) as session:
            return session.passed == 1

    @property
    def running(self):
        return self.process is not None and self.process.running

    @property
    def text(self):
        return "\n".join(p.text for p in self.log)

    def kill(self):
        self.process.kill()

    def term(self):
        return self.process.term()

    def stop(self):
        self.process.stop()

    def cont(self):
        self.process.cont()

    def restart(self, wait=True):
        self.term()
        return self.start(wait)

    # its network to etcd

    def network(self, mode, delay=0.0):
        for proxy in self.proxies:
            proxy.set(mode, delay)

    def cut(self):
        for proxy in self.proxies:
            proxy.cut()

    # its commands

    def collective(self, *args, stdin=None, timeout=60, env=None):
        argv = [COMMAND, "-s", self.socket, *args]
        started = time.monotonic()
        done = subprocess.run(argv, input=stdin if stdin is not None else "", text=True,
                              capture_output=True, timeout=timeout, check=False,
                              env=dict(os.environ, **(env or {})))
        answer = Answer(argv, done.returncode, done.stdout, done.stderr,
                        time.monotonic() - started)
        self.world.note(f"{self.title}# collective {' '.join(args)} -> {answer!r}")
        return answer

    def spawn(self, *args):
        """A command that is not waited for: a Popen, which the caller ends."""
        return subprocess.Popen([COMMAND, "-s", self.socket, *args], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def show(self):
        """The facts of `collective show --json`."""
        answer = self.collective("show", "--json", timeout=10)
        assert answer.rc == 0, answer
        return json.loads(answer.out)

    def raw_show(self, verbose=False):
        """The same facts over the socket, without the cost of a command."""
        with Session(self.socket, 5) as session:
            return session.collective(operation="show", verbose=verbose)

    def machines(self):
        return {m["machine"]: m for m in self.raw_show(True).get("machines", [])}

    def invite(self, name, *args):
        answer = self.collective("invite", name, *args)
        assert answer.rc == 0, answer
        token = answer.out.strip()
        self.world.tokens.append(token)
        return token

    def join(self, other, token, **kwargs):
        return self.collective("join", other.server, "-i", token, **kwargs)

    def leader(self):
        return self.raw_show().get("leader") or None

    def is_active(self):
        """Holds a lease and its active key, as it says itself, and sees itself in the view."""
        facts = self.raw_show()
        return (facts.get("quorum") and facts.get("state") == "active" and
                facts["name"] in [facts["leader"], *facts["active"]])

    def session(self, **kwargs):
        return Session(self.socket, **kwargs)
