"""What the end-to-end tests are made of: real etcd processes, real agents, a network that fails.

Nothing here needs root or reaches beyond the loopback interface, and every process that it starts
is ended by its own process id."""
