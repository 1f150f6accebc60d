/*
 * struct door: where joiners come in. It holds the book of invitations, runs the enrolment server
 * and, for each redeemed invitation, has the member registered (member/registry.h) and answered
 * with its certificate and the bundle.
 */
#ifndef APP_DOOR_H
#define APP_DOOR_H

#include "base/err.h"
#include "enroll/server.h"

struct agent;
struct door;
struct invitations;

/* Loads the book, which must be readable. A port that can't be listened on is not an error here, see
 * door_open(). */
int door_new(struct door **ret, struct agent *agent, struct err *err) MUST_CHECK;
void door_free(struct door *door);
/* Listens, if it does not yet: nobody can join otherwise. */
int door_open(struct door *door, struct err *err) MUST_CHECK;
struct invitations *door_book(struct door *door);
/* The file of the book is about to be moved away (true), or stays after all (false). NULL is fine. */
void door_hold(struct door *door, bool hold);
/* The certificate was renewed. */
void door_certificate_changed(struct door *door);
/* False and zeroes while it does not listen. */
bool door_stats(const struct door *door, struct enroll_server_stats *ret);

#endif
