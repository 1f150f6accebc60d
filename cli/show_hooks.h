/* The part of `show -v` about hooks. */
#ifndef CLI_SHOW_HOOKS_H
#define CLI_SHOW_HOOKS_H

#include "cli/writer.h"
#include "wire/json.h"

/* hooks is the answer's; nothing where it is none. */
void show_hooks(struct writer *w, const json *hooks);

#endif
