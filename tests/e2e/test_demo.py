"""The demo goes through: it waits for what the commands print, which may change."""

import os
import shutil
import subprocess
import tempfile

import pytest

from harness.agent import COMMAND
from harness.etcd import etcd_binary
from harness.ports import free_port

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo.sh")


def run_demo(folder):
    build = os.path.dirname(os.path.abspath(shutil.which(COMMAND)))
    etcdctl = shutil.which(os.environ.get("ETCDCTL", "etcdctl"))
    folders = [os.path.dirname(etcd_binary()), os.path.dirname(etcdctl), os.environ["PATH"]]
    env = {k: v for k, v in os.environ.items() if not k.startswith("ETCD_")}
    env.update(TMPDIR=folder, PATH=":".join(folders),
               DEMO_PORTS=" ".join(str(free_port()) for _ in range(5)))
    return subprocess.run(["sh", DEMO, build], env=env, stdin=subprocess.DEVNULL, text=True,
                          encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=150, check=False)


@pytest.mark.takes(17)
def test_the_demo_shows_nodes_that_move():
    with tempfile.TemporaryDirectory(prefix="co-") as folder:
        page = run_demo(folder)
        assert page.returncode == 0, page.stdout
        assert page.stdout.count("(after the kill: its lease ended after ") == 2, page.stdout
        assert "n25: claimed by mgt3" in page.stdout and "# Done;" in page.stdout, page.stdout
        assert not os.listdir(folder), "nothing is left behind"
