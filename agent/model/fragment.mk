# sources of agent/model
