"""What the end-to-end tests are made of: real etcd processes, real agents, a network that fails.

Nothing here reaches beyond this machine, and every process that it starts is ended by its own process
id. Hosts on a wire (wirelab.py) need root; all the rest needs the loopback interface only."""
