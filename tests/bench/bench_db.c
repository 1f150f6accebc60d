/*
 * How fast the database in memory is, and how large: bench_db [NODES [ATTRIBUTES]] (20000 and 15) feeds
 * that many nodes, a dozen racks' groups for each thousand, in the order of keys, and prints times. Each
 * time of reading is the best of five.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "model/db.h"
#include "model/noderange.h"

#define ROUNDS 5

static const char *const names[] = {"collective.manager", "collective.managercandidates",
	"console.method", "custom.owner", "hardwaremanagement.manager", "hardwaremanagement.method",
	"id.index", "id.model", "id.serial", "id.uuid", "location.rack", "location.u",
	"net.eth0.hwaddr", "net.eth0.switch", "net.eth0.switchport", "net.ib0.hwaddr",
	"net.ib0.switch", "net.ib0.switchport", "power.a.outlet", "power.a.pdu", "power.b.outlet",
	"power.b.pdu", "info.note", "dns.domain"};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static long resident_kib(void)
{
	char line[128] = "";
	char *end;
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (file && fgets(line, sizeof(line), file) && (end = strchr(line, ' ')))
		pages = strtoull(end + 1, NULL, 10);
	if (file)
		fclose(file);
	return (long)(pages * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024);
}

static void must(int rc)
{
	if (rc < 0)
		abort();
}

static void feed(struct db *db, const char *key, const char *value, double *longest)
{
	static int64_t revision;
	double begin = now(), took;

	must(db_put(db, key, strlen(key), value, strlen(value), ++revision, NULL));
	took = now() - begin;
	if (took > *longest)
		*longest = took;
}

/* Some values are the same on many nodes, some on none. */
static const char *value_for(const char *name, unsigned i, char value[64])
{
	if (strcmp(name, "collective.manager") == 0)
		snprintf(value, 64, "mgt%u", i % 5);
	else if (strcmp(name, "hardwaremanagement.manager") == 0)
		snprintf(value, 64, "{node}-bmc");
	else if (strcmp(name, "location.rack") == 0)
		snprintf(value, 64, "r%u", i / 40);
	else if (strstr(name, "method"))
		snprintf(value, 64, "ipmi");
	else if (strstr(name, "id.uuid") || strstr(name, "hwaddr"))
		snprintf(value, 64, "%08x-%08x", i * 2654435761u, i * 40503u);
	else
		snprintf(value, 64, "%u", i % 1000);
	return value;
}

static size_t feed_nodes(struct db *db, unsigned nodes, unsigned attributes, double *longest)
{
	char key[128], value[64];
	size_t keys = 0;

	for (unsigned g = 0; g <= nodes / 83; g++, keys++) {
		snprintf(key, sizeof(key), "groups/rack%u/noderange", g);
		feed(db, key, "", longest);
	}
	feed(db, "groups/everything/dns.servers", "10.0.0.1", longest);
	for (unsigned i = 0; i < nodes; i++) {
		for (unsigned a = 0; a < attributes; a++, keys++) {
			snprintf(key, sizeof(key), "nodes/n%05u/%s", i, names[a]);
			feed(db, key, value_for(names[a], i, value), longest);
		}
		snprintf(key, sizeof(key), "nodes/n%05u/groups", i);
		snprintf(value, sizeof(value), "rack%u", i / 83);
		feed(db, key, value, longest);
		keys++;
	}
	return keys + 1;
}

static void read_all(const struct db *db, const char *name)
{
	CLEANUP(buf_done) struct buf out = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	double best = 1e9;
	uint32_t node;

	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = now();

		bitset_foreach(node, db_nodes(db))
		{
			struct db_value value;

			if (db_node_value(db, node, name, &value))
				must(db_node_text(db, node, &value, &out, NULL));
		}
		best = MIN(best, now() - begin);
	}
	printf("%-44s %8.2f ms\n", name, best);
}

static bool count_one(const char *name, const struct db_value *value, void *arg)
{
	size_t *count = arg;

	*count += *name && value->text;
	return true;
}

static void read_everything(const struct db *db)
{
	double best = 1e9;
	size_t count = 0;
	uint32_t node;

	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = now();

		count = 0;
		bitset_foreach(node, db_nodes(db)) db_node_each(db, node, count_one, &count);
		best = MIN(best, now() - begin);
	}
	printf("all attributes of all nodes (%zu)%*s %8.2f ms\n", count, 8, "", best);
}

static void evaluate(const struct db *db, const char *text)
{
	CLEANUP(bitset_done) struct bitset set = BITSET_INIT;
	const struct noderange_source source = db_noderange_source(db);
	double best = 1e9;
	int rc = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		double begin = now();

		rc = noderange_evaluate(&source, text, &set, NULL);
		best = MIN(best, now() - begin);
	}
	if (rc < 0)
		printf("noderange %-34s %8.2f ms (refused)\n", text, best);
	else
		printf("noderange %-34s %8.2f ms (%zu nodes)\n", text, best, bitset_count(&set));
}

/* What each node inherits and has to work out: n fields. */
static void time_expressions(struct db *db, unsigned n)
{
	CLEANUP(buf_done) struct buf text = BUF_INIT(ATTRIBUTE_VALUE_MAX);
	double longest = 0;

	for (unsigned i = 0; i < n; i++)
		must(buf_str(&text, i ? "-{location.rack}-{n1/48:03d}" : "{n1%48}"));
	feed(db, "groups/everything/custom.fields", buf_cstr(&text), &longest);
	printf("%u fields: ", 2 * n - 1);
	evaluate(db, "custom.fields=x");
}

static void time_changes(struct db *db)
{
	double longest = 0, begin;
	size_t managed;

	begin = now();
	managed = bitset_count(db_managed_by(db, "mgt1"));
	printf("%-44s %8.2f ms (%zu nodes)\n", "managed by mgt1, first question", now() - begin,
		managed);
	begin = now();
	db_ranks(db);
	printf("%-44s %8.2f ms\n", "natural order of all, first question", now() - begin);
	feed(db, "nodes/new1/groups", "", &longest);
	begin = now();
	db_ranks(db);
	printf("%-44s %8.2f ms\n", "natural order after one new node", now() - begin);
	longest = 0;
	feed(db, "groups/everything/collective.manager", "mgt9", &longest);
	printf("%-44s %8.2f ms\n", "a change of everything", longest);
	begin = now();
	managed = bitset_count(db_managed_by(db, "mgt9"));
	printf("%-44s %8.2f ms (%zu nodes)\n", "managed by, after it", now() - begin, managed);
}

int main(int argc, char **argv)
{
	uint64_t nodes = 20000, attributes = 15;
	double longest = 0, begin, took;
	long before;
	struct db *db;
	size_t keys;

	if ((argc > 1 && num_u64(argv[1], &nodes) < 0) ||
		(argc > 2 && num_u64(argv[2], &attributes) < 0) || nodes > 1000000 ||
		attributes > ARRAY_SIZE(names)) {
		fprintf(stderr, "usage: bench_db [NODES [ATTRIBUTES]]\n");
		return EXIT_FAILURE;
	}
	db = db_new(1);
	before = resident_kib();
	begin = now();
	keys = feed_nodes(db, (unsigned)nodes, (unsigned)attributes, &longest);
	took = now() - begin;
	printf("%-44s %8.2f ms (%.0f a second, longest %.2f ms)\n", "feeding", took,
		(double)keys / took * 1e3, longest);
	printf("%-44s %8.1f MiB (%zu keys)\n", "resident", (double)(resident_kib() - before) / 1024,
		db_keys(db));
	time_changes(db);
	read_all(db, "collective.manager");
	read_all(db, "hardwaremanagement.manager");
	read_all(db, "dns.servers");
	read_everything(db);
	evaluate(db, "location.rack=r7");
	evaluate(db, "net.*switch=7");
	evaluate(db, "hardwaremanagement.manager=n00007-bmc");
	for (unsigned n = 1; n <= 256; n = n < 4 ? n + 1 : 4 * n)
		time_expressions(db, n);
	begin = now();
	db_free(db);
	printf("%-44s %8.2f ms\n", "freeing", now() - begin);
	return EXIT_SUCCESS;
}
