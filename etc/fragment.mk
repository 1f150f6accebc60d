# What goes beside the programs: sample configuration, systemd unit, completion.
#
# There is no sysusers file, for the agent has no user of its own, and no tmpfiles file, for the unit
# makes the folders in /run and /var/lib that it needs (and the agent does so where there is no
# systemd).
EXTRA_DIST += etc/collective.conf.in etc/collectived.service.in
CLEANFILES += etc/collective.conf etc/collectived.service

ETC_SUBST = $(AM_V_GEN)$(MKDIR_P) etc && $(SED) \
	-e 's,@sysconfdir[@],$(sysconfdir),g' \
	-e 's,@localstatedir[@],$(localstatedir),g' \
	-e 's,@sbindir[@],$(sbindir),g'

etc/collective.conf: etc/collective.conf.in Makefile
	$(ETC_SUBST) $(srcdir)/etc/collective.conf.in > $@

etc/collectived.service: etc/collectived.service.in Makefile
	$(ETC_SUBST) $(srcdir)/etc/collectived.service.in > $@

dist_doc_DATA += etc/manager-gained.example
doc_DATA = etc/collective.conf
systemdsystemunit_DATA = etc/collectived.service
dist_bashcompletion_DATA = etc/completion/collective etc/completion/nodeattrib

# bash loads the file that has the name of the command; all commands for nodes share one.
install-data-hook:
	cd '$(DESTDIR)$(bashcompletiondir)' && for name in $(NODE_COMMANDS); do \
		test $$name = nodeattrib || { rm -f $$name && $(LN_S) nodeattrib $$name; } || exit 1; \
	done

# A configuration that is there already is its administrator's: it is not replaced by an
# installation, and removed only as long as it is the sample.
install-data-local: etc/collective.conf
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/confluent'
	test -e '$(DESTDIR)$(sysconfdir)/confluent/collective.conf' || \
		$(INSTALL_DATA) etc/collective.conf '$(DESTDIR)$(sysconfdir)/confluent/collective.conf'

uninstall-local: etc/collective.conf
	if cmp -s etc/collective.conf '$(DESTDIR)$(sysconfdir)/confluent/collective.conf'; then \
		rm -f '$(DESTDIR)$(sysconfdir)/confluent/collective.conf'; \
		rmdir '$(DESTDIR)$(sysconfdir)/confluent' 2>/dev/null || :; \
	fi
