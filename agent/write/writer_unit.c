#include "config.h"
#include "write/writer_unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "etcd/txn.h"
#include "model/plan.h"
#include "write/writer_coat.h"
#include "write/writer_slot.h"

static void add_compare(
	struct etcd_txn *txn, const char *prefix, const struct plan_compare *compare)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", prefix, compare->key);

	switch (compare->kind) {
	case PLAN_MOD:
		etcd_txn_if_mod(txn, key, ETCD_EQUAL, compare->revision);
		break;
	case PLAN_EXISTS:
		etcd_txn_if_create(txn, key, ETCD_GREATER, 0);
		break;
	case PLAN_NONE:
		etcd_txn_if_empty(txn, key);
		break;
	case PLAN_UNCHANGED:
		etcd_txn_if_unchanged(txn, key, compare->revision);
		break;
	}
}

static void add_op(
	struct etcd_txn *txn, const char *prefix, const struct plan_op *op, const char *coated)
{
	CLEANUP(freep) char *key = xasprintf("%s%s", prefix, op->key);

	switch (op->kind) {
	case PLAN_PUT:
		if (coated)
			etcd_txn_put(txn, ETCD_THEN, key, coated, strlen(coated), 0);
		else
			etcd_txn_put(txn, ETCD_THEN, key, op->value, op->len, 0);
		break;
	case PLAN_DELETE:
		etcd_txn_delete(txn, ETCD_THEN, key);
		break;
	case PLAN_DELETE_PREFIX:
		etcd_txn_delete_prefix(txn, ETCD_THEN, key);
		break;
	}
}

static void free_values(char **values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(values[i]);
	free(values);
}

/* What etcd gets to see of the unit's values: new, and how many bytes they are more than planned. */
static int coat_values(struct writer_coat *coat, const struct plan_unit *unit, char ***ret,
	size_t *bytes, struct err *err)
{
	char **values = xcalloc(unit->n_ops + 1, sizeof(*values));

	*bytes = 0;
	for (size_t i = 0; i < unit->n_ops; i++) {
		const struct plan_op *op = &unit->ops[i];
		int rc = op->kind == PLAN_PUT ? writer_coat_value(coat, op, &values[i], err) : 0;

		if (rc < 0) {
			free_values(values, i);
			return rc;
		}
		*bytes += values[i] ? strlen(values[i]) : 0;
	}
	*ret = values;
	return 0;
}

int writer_unit_add(struct etcd_txn *txn, const char *prefix, struct writer_coat *coat,
	const struct plan_unit *unit, struct err *err)
{
	char **values;
	size_t bytes;
	int rc = coat_values(coat, unit, &values, &bytes, err);

	if (rc < 0)
		return rc;
	/* every key is sent with its prefix */
	bytes +=
		unit->bytes + WRITER_SLOT_BYTES + (unit->n_compares + unit->n_ops) * strlen(prefix);
	if (!etcd_txn_fits(txn,
		    unit->n_compares + WRITER_SLOT_COMPARES +
			    writer_coat_guard(coat, prefix, unit, NULL),
		    unit->n_ops + WRITER_SLOT_OPS, bytes)) {
		free_values(values, unit->n_ops);
		return err_set(
			err, -E2BIG, "%s: this changes more at once than etcd takes", unit->object);
	}
	(void)writer_coat_guard(coat, prefix, unit, txn);
	for (size_t i = 0; i < unit->n_compares; i++)
		add_compare(txn, prefix, &unit->compares[i]);
	for (size_t i = 0; i < unit->n_ops; i++)
		add_op(txn, prefix, &unit->ops[i], values[i]);
	free_values(values, unit->n_ops);
	return 0;
}
