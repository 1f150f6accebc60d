/*
 * A node or group as JSON, as it stands in the main.json of a backup: what it has itself, without what it
 * inherits.
 *
 *     {"groups": ["rack1", "everything"], "id.index": {"value": 1}, "location.u": {"value": "3"},
 *      "info.note": {"expression": "N-{node}"}, "secret.x": {"cryptvalue": "sealed:1:…"},
 *      "crypted.y": {"hashvalue": "$6$…"}}
 *     {"location.rack": {"value": "7"}}
 *     {"noderange": {"value": "n1-n4"}}
 *
 * This is the form of confluentdbutil's backups. What its cryptvalue holds is another thing than ours.
 */
#ifndef COMMAND_DUMP_ENTRY_H
#define COMMAND_DUMP_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/json.h"

struct bundle;
struct db;
struct replica;

/* What takes the place of a secret or a hash in a redacted backup. */
#define DUMP_REDACTED "*REDACTED*"

/* Both new. *ret_bytes: of the texts in it. A group that is being taken apart is one without a
 * noderange. */
json *dump_entry_node(const struct db *db, uint32_t node, bool redact, size_t *ret_bytes);
json *dump_entry_group(const struct db *db, uint32_t group, bool redact, size_t *ret_bytes);

/* {"mgt1": {"name", "address", "port", "role", "fingerprint"}}: the members, new. */
json *dump_entry_members(const struct replica *replica, const struct bundle *bundle);

#endif
