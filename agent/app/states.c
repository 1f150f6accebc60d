#include "config.h"
#include "app/states.h"

#include <errno.h>

#include "base/buf.h"
#include "base/text.h"
#include "core/coord.h"
#include "core/failover.h"
#include "core/rekey.h"

#define STATES_MAX ((size_t)1 << 20)

static const struct {
	const char *name;
	int (*print)(const struct sm_machine *machine, struct buf *b);
} formats[] = {
	{"markdown", sm_print_markdown},
	{"mdoc", sm_print_mdoc},
	{"graphviz", sm_print_graphviz},
};

int states_print(const char *format, FILE *out)
{
	struct buf b = BUF_INIT(STATES_MAX);
	const struct sm_machine *machine;
	int rc = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!text_eq(format, formats[i].name))
			continue;
		rc = 0;
		for (unsigned n = 0; rc == 0 && (machine = coord_machine(n)); n++)
			rc = formats[i].print(machine, &b);
		if (rc == 0)
			rc = formats[i].print(&rekey_machine, &b);
		if (rc == 0)
			rc = formats[i].print(&failover_machine, &b);
	}
	if (rc == 0)
		fwrite(b.data, 1, b.len, out);
	buf_done(&b);
	return rc;
}
