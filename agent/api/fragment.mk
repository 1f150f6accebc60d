# sources of agent/api
