# sources of agent/enroll
