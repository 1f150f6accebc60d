/*
 * The machinery of tables, and the tables themselves.
 */
#include "config.h"

#include <signal.h>
#include <string.h>

#include "base/macros.h"
#include "core/attempt.h"
#include "tests/unit/test_core.h"

enum { RED, GREEN };

static const struct sm_state light_states[] = {
	[RED] = {"red", "stop", {{"time has passed", GREEN}}},
	[GREEN] = {"green", "go", {{0}}},
};

static const struct sm_machine light = {"light", "A lamp.", light_states, 2};

static void count_moves(void *arg, const struct sm *sm, int from)
{
	int *moves = arg;

	ck_assert_int_eq(from, RED);
	ck_assert_str_eq(sm_name(sm), "green");
	(*moves)++;
}

START_TEST(a_move_records_when_why_and_how_often)
{
	int moves = 0;
	struct sm_info info;
	struct sm sm;

	sm_init(&sm, &light, RED, 100, count_moves, &moves);
	sm_trouble(&sm, "the bulb flickers");
	sm_tell(&sm, 150, &info);
	ck_assert_str_eq(info.trouble, "the bulb flickers");
	sm_move(&sm, GREEN, 200, "after %d s", 7);
	sm_tell(&sm, USEC_NEVER, &info);
	ck_assert_int_eq(moves, 1);
	ck_assert_str_eq(info.machine, "light");
	ck_assert_str_eq(info.state, "green");
	ck_assert_str_eq(info.help, "go");
	ck_assert_str_eq(info.reason, "after 7 s");
	ck_assert_str_eq(info.trouble, "");
	ck_assert_int_eq(info.since, 200);
	ck_assert_uint_eq(info.moves, 1);
}
END_TEST

START_TEST(a_move_that_the_table_lacks_aborts)
{
	struct sm sm;

	sm_init(&sm, &light, GREEN, 0, NULL, NULL);
	sm_move(&sm, RED, 1, "never");
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
	char text[2 * SM_REASON_MAX];
	struct sm sm;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sm_init(&sm, &light, RED, 0, NULL, NULL);
	sm_move(&sm, GREEN, 1, "%s", text);
	ck_assert_uint_eq(strlen(sm.reason), SM_REASON_MAX - 1);
}
END_TEST

START_TEST(each_table_is_complete_and_each_state_can_be_reached)
{
	const struct sm_machine *m = coord_machine((unsigned)_i);
	/* Where a machine begins: the lease of a restarted agent begins suspended. */
	unsigned reached = 1, before = 0;
	const struct sm_edge *edge;
	int i;

	ck_assert_ptr_nonnull(m);
	for (i = 0; i < m->count; i++) {
		ck_assert_ptr_nonnull(m->states[i].name);
		ck_assert_ptr_nonnull(m->states[i].help);
		for (edge = m->states[i].next; edge->why; edge++) {
			ck_assert_int_ge(edge->to, 0);
			ck_assert_int_lt(edge->to, m->count);
			ck_assert_int_ne(edge->to, i);
			ck_assert(sm_allows(m, i, edge->to));
		}
		ck_assert(!sm_allows(m, i, i));
	}
	while (reached != before) {
		before = reached;
		for (i = 0; i < m->count; i++)
			for (edge = m->states[i].next; reached & 1u << i && edge->why; edge++)
				reached |= 1u << edge->to;
	}
	ck_assert_uint_eq(reached, (1u << m->count) - 1);
}
END_TEST

START_TEST(there_are_four_machines)
{
	ck_assert_str_eq(coord_machine(0)->name, "lease");
	ck_assert_str_eq(coord_machine(1)->name, "quorum");
	ck_assert_str_eq(coord_machine(2)->name, "membership");
	ck_assert_str_eq(coord_machine(3)->name, "leader");
	ck_assert_ptr_null(coord_machine(4));
}
END_TEST

START_TEST(tables_are_printed_for_the_manual_and_for_graphviz)
{
	struct buf b = BUF_INIT(4096);

	ck_assert_int_eq(sm_print_graphviz(&light, &b), 0);
	ck_assert_str_eq(buf_cstr(&b),
		"digraph light {\n\tnode [shape=box, style=rounded];\n\tred;\n"
		"\tred -> green [label=\"time has passed\"];\n\tgreen;\n}\n");
	buf_reset(&b);
	ck_assert_int_eq(sm_print_markdown(&light, &b), 0);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "| **red** | stop | | |\n| | | green | time"));
	buf_reset(&b);
	ck_assert_int_eq(sm_print_mdoc(&light, &b), 0);
	ck_assert_str_eq(buf_cstr(&b),
		".Ss light\nA lamp.\n.Bl -tag -width suspended\n"
		".It Cm red\nstop\n.br\nNext:\n.Cm green :\ntime has passed.\n"
		".It Cm green\ngo\n.El\n");
	buf_done(&b);
}
END_TEST

START_TEST(printing_stops_at_the_ceiling)
{
	struct buf b = BUF_INIT(64);

	ck_assert_int_lt(sm_print_markdown(coord_machine(3), &b), 0);
	buf_done(&b);
}
END_TEST

START_TEST(failed_attempts_pause_longer_each_time_up_to_a_limit)
{
	static const usec_t least[] = {18, 36, 72, 144, 288, 576, 576, 576};
	static const usec_t most[] = {22, 44, 88, 176, 352, 704, 704, 704};
	struct prng prng = {7};
	struct attempt a;
	size_t i;

	attempt_init(&a);
	ck_assert_int_eq(attempt_wakeup(&a), USEC_NEVER);
	for (i = 0; i < ARRAY_SIZE(least); i++) {
		attempt_want(&a, MS(1000));
		attempt_take(&a, i + 1, MS(1000));
		ck_assert(attempt_out(&a));
		ck_assert_int_eq(attempt_wakeup(&a), USEC_NEVER);
		attempt_failed(&a, &prng);
		attempt_want(&a, 0);
		ck_assert_int_ge(attempt_wakeup(&a), MS(1000) + MS(least[i]));
		ck_assert_int_le(attempt_wakeup(&a), MS(1000) + MS(most[i]));
		ck_assert(!attempt_due(&a, attempt_wakeup(&a) - 1));
		ck_assert(attempt_due(&a, attempt_wakeup(&a)));
	}
	attempt_take(&a, 99, MS(1000));
	attempt_done(&a);
	attempt_want(&a, MS(2000));
	ck_assert_int_eq(attempt_wakeup(&a), MS(2000));
	attempt_drop(&a);
	ck_assert_int_eq(attempt_wakeup(&a), USEC_NEVER);
}
END_TEST

START_TEST(random_numbers_are_the_same_for_the_same_seed)
{
	struct prng a = {1234567}, b = {1234567};
	int i;

	/* The first output of splitmix64 for this seed, from its reference implementation. */
	ck_assert_uint_eq(prng_next(&a), UINT64_C(6457827717110365317));
	(void)prng_next(&b);
	for (i = 0; i < 1000; i++) {
		int64_t d = prng_jitter(&a, 1000);

		ck_assert_int_ge(d, 900);
		ck_assert_int_le(d, 1100);
		ck_assert_int_eq(d, prng_jitter(&b, 1000));
		ck_assert_int_gt(prng_id(&a), 0);
		(void)prng_id(&b);
	}
}
END_TEST

TCase *core_sm_case(void)
{
	TCase *tc = tcase_create("sm");

	tcase_add_test(tc, a_move_records_when_why_and_how_often);
	tcase_add_test_raise_signal(tc, a_move_that_the_table_lacks_aborts, SIGABRT);
	tcase_add_test(tc, a_long_reason_is_cut);
	tcase_add_loop_test(tc, each_table_is_complete_and_each_state_can_be_reached, 0, 4);
	tcase_add_test(tc, there_are_four_machines);
	tcase_add_test(tc, tables_are_printed_for_the_manual_and_for_graphviz);
	tcase_add_test(tc, printing_stops_at_the_ceiling);
	tcase_add_test(tc, failed_attempts_pause_longer_each_time_up_to_a_limit);
	tcase_add_test(tc, random_numbers_are_the_same_for_the_same_seed);
	return tc;
}
