#!/bin/sh
# The simulation can fail: each way of breaking the rules is caught.
tests/sim/sim_coord --mutations && tests/sim/sim_failover --mutations && exec tests/sim/sim_sync --mutations
