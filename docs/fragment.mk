# docs
dist_man_MANS += docs/collective.conf.5
