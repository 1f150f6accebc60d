# sources of agent/io
