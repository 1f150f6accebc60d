# unit tests of etcd
