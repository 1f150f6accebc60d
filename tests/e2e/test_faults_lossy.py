"""Fault scenarios: a wire that loses, delays and reorders, as netem does where the kernel has it."""

import os
import time

import pytest

from harness.wait import holds_for

LOSSY = float(os.environ.get("FAULT_LOSSY_SECONDS", "60"))


@pytest.mark.takes(63)
def test_f18_a_lossy_slow_and_disordered_network_makes_nobody_leave(lab, fleet):
    """F18: a part of the packets is lost, the rest takes 50 to 150 ms and overtakes itself, for a minute
    (FAULT_LOSSY_SECONDS), with leases of 6 s: at one site 30 % of what the members send, at another one
    20 % in both directions. Nobody is taken for dead, no node moves."""
    sites = []
    for seed, (loss, way) in enumerate(((0.3, "one_way"), (0.2, "between"))):
        site = lab(etcds=3, seed=seed)
        members = site.collective(3, ttl=6)
        sites.append((site, members, fleet(site, members)))
        getattr(site.wire, way)([m.host for m in members], site.etcd_hosts, loss=loss, delay=0.1,
                                jitter=0.05)
    time.sleep(LOSSY)
    for site, members, nodes in sites:
        site.wire.heal()
        site.settled(members, 40)
        site.seen(f"packets: {site.wire.passed} passed, {site.wire.lost} lost")
        assert site.wire.lost > 50
        report = nodes.unmoved()
        assert len(report.reigns) == 1, report.reigns


@pytest.mark.takes(28)
def test_f18_a_network_that_loses_half_of_all_exchanges_is_survived_in_order(lab, fleet):
    """F18: 30 % in both directions at once, which is more than leases of six seconds bear. Members
    come and go; never do two lead, and what is moved is moved by who leads."""
    site = lab(etcds=3)
    members = site.collective(3, ttl=6)
    nodes = fleet(site, members)
    for member in members:
        site.cut_off(member, loss=0.3, delay=0.1, jitter=0.05)
    holds_for(lambda: len(site.acting_leaders(members)) <= 1, 25, "one leader at most")
    site.wire.heal()
    site.settled(members, 20)
    nodes.judged()
