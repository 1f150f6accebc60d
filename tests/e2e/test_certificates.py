"""Certificates: issued, renewed in time, replaced when they are not the collective's."""

import base64
import os
import subprocess
import time

from harness.wait import wait_until

CONFIG = """[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def bundle_field(agent, name):
    with open(agent.path("cfg/collective"), encoding="ascii") as f:
        for line in f:
            if line.startswith(name + " "):
                return base64.b64decode(line.split(None, 1)[1])
    raise AssertionError(f"no {name} in the bundle")


def issue(agent, folder, start, end):
    """A certificate for the agent's own key by the collective's authority, with dates of our own."""
    os.makedirs(folder)
    for name, content in (("index", b""), ("serial", b"01"),
                          ("conf", CONFIG.format(folder=folder).encode()),
                          ("ca.key", bundle_field(agent, "ca-key")),
                          ("ca.pem", bundle_field(agent, "ca-certificate"))):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(content)
    request = os.path.join(folder, "request")
    run(["openssl", "req", "-new", "-key", agent.path("privkey.pem"), "-subj", "/CN=mgt1",
         "-out", request])
    form = "%Y%m%d%H%M%SZ"
    run(["openssl", "ca", "-batch", "-notext", "-config", os.path.join(folder, "conf"),
         "-keyfile", os.path.join(folder, "ca.key"), "-cert", os.path.join(folder, "ca.pem"),
         "-in", request, "-out", agent.path("srvcert.pem"),
         "-startdate", time.strftime(form, time.gmtime(start)),
         "-enddate", time.strftime(form, time.gmtime(end))])


def run(argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_a_certificate_is_renewed_at_two_thirds_of_its_life_and_not_before(world, tmp_path):
    mgt1 = world.collective(1)[0]
    day, now = 86400, time.time()
    mgt1.term()
    issue(mgt1, str(tmp_path / "young"), now - 50 * day, now + 50 * day)
    with open(mgt1.path("srvcert.pem"), encoding="ascii") as f:
        young = f.read()
    mgt1.start()
    wait_until(lambda: "certificate" in mgt1.raw_show(True), 10, "the facts of the certificate")
    with open(mgt1.path("srvcert.pem"), encoding="ascii") as f:
        assert f.read() == young, "half of its life is left"

    mgt1.term()
    issue(mgt1, str(tmp_path / "old"), now - 70 * day, now + 30 * day)
    mgt1.start()
    wait_until(lambda: mgt1.raw_show(True)["certificate"]["not_after"] > now + 300 * day, 10,
               "a new certificate")
    assert "two thirds" in mgt1.text
    token = mgt1.invite("mgt2")
    assert world.agent("mgt2").join(mgt1, token).rc == 0, "joiners are served with the new one"


def test_a_certificate_that_is_not_the_collectives_is_replaced(world):
    mgt1 = world.collective(1)[0]
    mgt1.term()
    run(["openssl", "req", "-x509", "-key", mgt1.path("privkey.pem"), "-days", "30",
         "-subj", "/CN=mgt1", "-out", mgt1.path("srvcert.pem")])
    mgt1.start()
    wait_until(lambda: "not the collective's" in mgt1.text, 10, "the reason in the log")
    assert mgt1.raw_show(True)["certificate"]["not_after"] > time.time() + 300 * 86400


def test_gencert_in_a_collective_keeps_the_key_that_the_registry_knows(world):
    mgt1 = world.collective(1)[0]
    with open(mgt1.path("privkey.pem"), encoding="ascii") as f:
        key = f.read()
    serial = mgt1.raw_show(True)["certificate"]["serial"]
    page = mgt1.collective("gencert")
    assert (page.rc, page.out) == (0, "Certificate generated successfully\n")
    with open(mgt1.path("privkey.pem"), encoding="ascii") as f:
        assert f.read() == key
    assert mgt1.raw_show(True)["certificate"]["serial"] != serial
    mgt1.restart()
    wait_until(mgt1.is_active, 10, "it to be active with its new certificate")
