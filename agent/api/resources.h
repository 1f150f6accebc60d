/*
 * The paths of nodes, groups and noderanges: what upstream's own tools ask for, answered from the
 * database and, for changes, by having a plan carried out (api/database.h).
 *
 * A request that comes while the agent is starting waits until there is something to read, some
 * seconds at most. After that reading never waits for etcd: when the copy may be old the answer says so in its last frame. Long
 * answers are sent in slices and wait for slow readers; what comes or goes meanwhile is there or is
 * not, but what is sent of one node is what was so at one moment.
 *
 * Beyond upstream: the parameters of a `retrieve` of attributes may name the ones that are wanted,
 * {"attributes":["location","net.*"]}: a name stands for itself and for what is below it; shell
 * patterns are fine; upper and lower case are the same.
 */
#ifndef API_RESOURCES_H
#define API_RESOURCES_H

#include "api/database.h"
#include "api/server.h"

struct api_resources;

/* The database must outlive it. */
struct api_resources *api_resources_new(struct loop *loop, const struct api_database *database);
/* After the server, whose requests end here. NULL is fine. */
void api_resources_free(struct api_resources *resources);
/* What struct api_handlers.resource is for: ends the request, now or later. */
void api_resources_serve(struct api_resources *resources, struct api_request *req,
	const char *operation, const char *path, const json *parameters);

/* What requests wait for (api_database.soon) may be there. */
void api_resources_moved(struct api_resources *resources);

DEFINE_CLEANUP(struct api_resources *, api_resources_free)

#endif
