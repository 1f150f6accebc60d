# sources of agent/conf
