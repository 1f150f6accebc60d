# docs
dist_man_MANS += docs/collectived.8 docs/collective.1 docs/collective.conf.5 docs/noderange.5
dist_man_MANS += docs/nodeattrib.8 docs/nodegroupattrib.8 docs/nodelist.8 docs/nodegrouplist.8 \
	docs/nodedefine.8 docs/nodegroupdefine.8 docs/noderemove.8 docs/nodegroupremove.8 \
	docs/noderename.8 docs/nodegrouprename.8
dist_man_MANS += docs/nodeattribexpressions.5
dist_man_MANS += docs/nodeattributes.5
dist_doc_DATA += docs/guide.md docs/keyspace.md docs/protocol.md docs/states.md \
	docs/decisions.md docs/dependencies.md docs/faults.md docs/figures.md docs/source.md

# The tables in docs/states.md are printed by the agent; tests/lint/docs.sh tells when they are old.
.PHONY: regen-docs
regen-docs: collectived
	sed '/^<!-- BEGIN STATES -->$$/q' $(srcdir)/docs/states.md > states.md.new
	./collectived --dump-states=markdown >> states.md.new
	sed -n '/^<!-- END STATES -->$$/,$$p' $(srcdir)/docs/states.md >> states.md.new
	mv states.md.new $(srcdir)/docs/states.md
