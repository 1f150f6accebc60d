#!/bin/sh
# The simulation can fail: each way of breaking the rules is caught.
exec tests/sim/sim_coord --mutations
