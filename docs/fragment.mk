# docs
dist_man_MANS += docs/collective.1
dist_man_MANS += docs/collective.conf.5
