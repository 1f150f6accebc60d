# sources of agent/trust
