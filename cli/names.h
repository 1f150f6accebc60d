/*
 * Which attributes the user asked for, and which nodes had none of them.
 *
 * The user's words are matched as upstream's tools match them, on this side of the socket: without
 * regard to case, as shell patterns (*, ?, [seq], [!seq]), and a word also stands for every name
 * below it (location for location.u). A word that begins with "hm" begins with "hardwaremanagement"
 * in truth, and bmc, bmcuser, bmcpass, switchuser and switchpass are short for longer names.
 */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stdbool.h>
#include <stdio.h>

#include "base/macros.h"
#include "wire/json.h"

struct names;

/* The words stay the caller's. No words: everything is asked for. */
struct names *names_new(char *const *words, int count);
/* NULL is fine. */
void names_free(struct names *names);

/* There is such an object: it will be missed if nothing of it was asked for. */
void names_expect(struct names *names, const char *object);
/* Is this attribute of the object asked for? Remembers what it answered. */
bool names_wanted(struct names *names, const char *object, const char *attribute);
/* Prints what nothing matched, as upstream does. False: there was something. */
bool names_complete(const struct names *names, FILE *err);
/*
 * Parameters with which an agent need not send everything: {"attributes":[…]}, docs/protocol. It may
 * ignore them, and matches a little otherwise. Every node still sends id.index, so that one that has
 * nothing of what is asked for is known to be there. NULL: everything must be sent.
 */
json *names_parameters(const struct names *names);

DEFINE_CLEANUP(struct names *, names_free)

#endif
