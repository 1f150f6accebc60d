# sources of agent/etcd
