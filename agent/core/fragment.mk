# sources of agent/core
