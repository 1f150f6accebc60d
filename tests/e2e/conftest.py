"""Fixtures: `world` is a fresh site with one etcd, `site` makes others, `lab` some on a wire; `trio` is
a collective of three on three etcd that the tests of a file share and must leave as they found it."""

import collections
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from harness.agent import AGENT, COMMAND  # noqa: E402
from harness.etcd import etcd_binary, etcd_version  # noqa: E402
from harness.fleet import Fleet  # noqa: E402
from harness.wirelab import Lab  # noqa: E402
from harness.world import World  # noqa: E402


# A shell's job in the background ignores it, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    etcd, newer = etcd_binary(), etcd_binary("3.5")
    return [f"agent: {AGENT}, command: {COMMAND}",
            f"etcd: {etcd} ({etcd_version(etcd) if etcd else 'none'}), "
            f"3.5: {newer or 'not at hand (ETCD_35 is not set)'}"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds what every process said to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.failed = report.failed
    if report.failed and call.when == "call":
        worlds = {}
        for value in item.funcargs.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, World):
                    worlds[one.folder] = one
        for one in worlds.values():
            report.sections.append(("what happened", one.dump()[-16000:]))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What runs side by side (run.sh: --dist loadgroup) is a test; tests that share a site are one
    piece, for one worker. The pieces that take longest begin first, so that none is left at the end
    while the other workers have nothing to do."""
    if not hasattr(config, "workerinput"):
        return
    takes = collections.Counter()
    pieces = {}
    for item in items:
        # pylint: disable=protected-access
        shared = any(d.scope == "module" for ds in item._fixtureinfo.name2fixturedefs.values() for d in ds)
        piece = item.path.stem if shared else item.nodeid
        if shared:
            item.add_marker(pytest.mark.xdist_group(piece))
        pieces[item] = piece
        mark = item.get_closest_marker("takes")
        takes[piece] += mark.args[0] if mark else 1
    items.sort(key=lambda item: -takes[pieces[item]])


def _end(world):
    found = world.shut_down()
    if found:
        pytest.fail("after the test: " + "\n".join(found), pytrace=False)


@pytest.fixture
def worlds():
    """All the sites of a test, for its report."""
    made = []
    yield made
    found = []
    for world in made:
        found += world.shut_down()
    if found:
        pytest.fail("after the test: " + "\n".join(found), pytrace=False)


@pytest.fixture
def site(worlds):
    """Makes sites: site(etcds=3, tls="server", …)."""
    def make(**kwargs):
        world = World(**kwargs)
        worlds.append(world)
        return world
    return make


@pytest.fixture
def lab(worlds):
    """Makes sites on a wire: lab(etcds=3, together=False, …), see harness/wirelab.py."""
    def make(**kwargs):
        made = Lab(**kwargs)
        worlds.append(made)
        return made
    return make


@pytest.fixture
def fleet():
    """Makes nodes at a site: fleet(world, members, count=60, …), see harness/fleet.py."""
    made = []

    def make(*args, **kwargs):
        made.append(Fleet(*args, **kwargs))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def world(site):
    return site(etcds=1)


@pytest.fixture
def world3(site):
    return site(etcds=3)


@pytest.fixture(scope="module")
def trio_world():
    world = World(etcds=3)
    yield world
    _end(world)


@pytest.fixture(scope="module")
def trio(trio_world):
    """[mgt1, mgt2, mgt3], of which mgt1 founded and leads."""
    return trio_world.collective(3)


def pytest_generate_tests(metafunc):
    """A test with the argument `etcd_kind` runs on each etcd that is at hand."""
    if "etcd_kind" in metafunc.fixturenames:
        metafunc.parametrize("etcd_kind", ["default", "3.5"])


@pytest.fixture
def etcd_of_kind(etcd_kind):
    """The binary of the kind asked for; the test is skipped where there is none."""
    binary = etcd_binary(etcd_kind)
    if not binary:
        pytest.skip("no etcd 3.5 at hand: ETCD_35 is not set")
    return binary


@pytest.fixture(scope="module", name="pair_world")
def make_pair_world():
    world = World()
    world.pair = world.collective(2)
    yield world
    found = world.shut_down()
    assert not found, "after the tests: " + "\n".join(found)


@pytest.fixture(name="pair")
def make_pair(pair_world):
    """Two members on one etcd, which the tests of a file share; each test has names of its own."""
    return pair_world, pair_world.pair
