/*
 * The expression of one field: {expr}.
 */
#ifndef MODEL_EXPRESSION_FIELD_H
#define MODEL_EXPRESSION_FIELD_H

#include "model/expression_value.h"

/* Evaluates run->field. ret is EXPR_VALUE_INIT before, expr_value_done() after, whatever comes back.
 * -EINVAL. */
int expr_field_evaluate(struct expr_run *run, struct expr_value *ret) MUST_CHECK;

#endif
