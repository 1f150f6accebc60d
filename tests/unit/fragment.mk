# Unit tests: a program per folder of agent/, each a Check suite.
UNIT_LDADD = $(CHECK_LIBS)
include $(srcdir)/tests/unit/noderange.mk
include $(srcdir)/tests/unit/model.mk
include $(srcdir)/tests/unit/core.mk
include $(srcdir)/tests/unit/etcd.mk
include $(srcdir)/tests/unit/write.mk
include $(srcdir)/tests/unit/copy.mk
include $(srcdir)/tests/unit/app.mk
include $(srcdir)/tests/unit/identity.mk
include $(srcdir)/tests/unit/record.mk
include $(srcdir)/tests/unit/log.mk
include $(srcdir)/tests/unit/member.mk
include $(srcdir)/tests/unit/api.mk
include $(srcdir)/tests/unit/enroll.mk
include $(srcdir)/tests/unit/store.mk
include $(srcdir)/tests/unit/io.mk
include $(srcdir)/tests/unit/trust.mk
include $(srcdir)/tests/unit/base.mk
include $(srcdir)/tests/unit/wire.mk
include $(srcdir)/tests/unit/conf.mk
include $(srcdir)/tests/unit/command.mk
include $(srcdir)/tests/unit/cli.mk
