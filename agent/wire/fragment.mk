# sources of agent/wire
