noinst_LIBRARIES += agent/member/libmember.a
agent_member_libmember_a_SOURCES = \
	agent/member/anchor.c agent/member/anchor.h \
	agent/member/carry.c agent/member/carry.h \
	agent/member/etcdconf.c agent/member/etcdconf.h \
	agent/member/feed.c agent/member/feed.h \
	agent/member/follow.c agent/member/follow.h \
	agent/member/found.c agent/member/found.h \
	agent/member/joiner.c agent/member/joiner.h \
	agent/member/member.c agent/member/member.h \
	agent/member/registry.c agent/member/registry.h \
	agent/member/setback.c agent/member/setback.h \
	agent/member/state.c agent/member/state.h
