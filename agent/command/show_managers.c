#include "config.h"
#include "command/show_managers.h"

#include "app/agent.h"
#include "app/mover.h"
#include "record/orders.h"

void show_managers(const struct agent *agent, json *answer, bool verbose)
{
	json *draining = json_set(answer, "draining", json_new_array());
	json *drains = json_set(answer, "drains", json_new_array());
	struct mover_counts counts;
	const struct order *order;

	list_foreach (order, orders_drains(agent->orders), link) {
		json_add_str(draining, order->member);
		json_add(drains, order_tell(order));
	}
	mover_counts(agent->mover, &counts);
	if (counts.known) {
		json_set_number(answer, "orphaned", (int64_t)counts.orphaned);
		json_set_number(answer, "left_alone", (int64_t)counts.alone);
	}
	if (!verbose)
		return;
	mover_tell(agent->mover, answer);
}
