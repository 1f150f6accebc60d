# unit tests of trust
