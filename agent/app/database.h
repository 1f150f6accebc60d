/*
 * struct database: the keeper that api/database.h asks for: it reads from the member's copy
 * (copy/replica.h) and has plans carried out (write/writer.h), as long as there is a member. It is
 * there without one, too, and says then why there is nothing to read and nobody to write.
 */
#ifndef APP_DATABASE_H
#define APP_DATABASE_H

#include "api/database.h"
#include "base/err.h"

struct agent;
struct database;
struct writer_status;

struct database *database_new(struct agent *agent);
/* Writes that are under way end. NULL is fine. */
void database_free(struct database *database);
/* agent->member has come, and is about to go: what is under way ends within the call. */
void database_attach(struct database *database);
void database_detach(struct database *database);
/* Something about the member may be different. NULL is fine. */
void database_changed(struct database *database);

const struct api_database *database_api(const struct database *database);
/* All zero without a member. */
void database_writes(const struct database *database, struct writer_status *ret);

#endif
