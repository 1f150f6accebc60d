/*
 * collective.managercandidates: which members may look after a node.
 *
 * The text is a noderange (noderange(5)), in which the members of the collective are names, too,
 * whether or not there are nodes of these names: "mgt1,mgt2", "mgt[1:3]", "service", "mgt1-mgt3,-mgt2".
 * What it stands for is every member in it; a node of a member's name is that member, nodes that are no
 * members do not count, and regular expressions, filters and pages look at nothing but members. A name
 * that is neither node, group nor member (a member that was deleted) stands for nothing wherever it
 * is, and is told in `unknown`; where the text can't be understood otherwise there are no candidates,
 * and the error says why.
 */
#ifndef MODEL_CANDIDATES_H
#define MODEL_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/db.h"

/* A longer text is refused: a group can stand for many. */
#define CANDIDATES_TEXT_MAX 8192
/* Names that one text may have that are nothing; more make it an error. */
#define CANDIDATES_UNKNOWN_MAX 256
/* What one text may cost, so that the leader can work through as many as there are nodes: names that are
 * written out (mgt[1:512]), and regular expressions and filters (some dozens, over 512 members). */
#define CANDIDATES_NAMES_MAX 4096
#define CANDIDATES_WORK_MAX  ((uint64_t)1 << 20)

/* members: names of the collective's members, each once. ret: their places in that list; replaced, and
 * emptied where it fails. unknown (may be NULL): names that are left out, comma separated, each once,
 * replaced; nothing where they are more than it holds. 0, or -EINVAL with a text that quotes the candidates and the place of what is wrong. */
int candidates_evaluate(const struct db *db, const char *const *members, size_t n, const char *text,
	struct bitset *ret, struct buf *unknown, struct err *err) MUST_CHECK;

/* The node's effective text, expressions evaluated: 1 where there is one, 0 where none is set or it is
 * empty, -EINVAL where its expression is broken. out's ceiling should be ATTRIBUTE_VALUE_MAX. */
int candidates_text(
	const struct db *db, uint32_t node, struct buf *out, struct err *err) MUST_CHECK;

/* ---- a cache for many nodes: equal texts are evaluated once. For one db and one revision: when the
 * db has moved on, texts that were met before stand for what they did then. ---- */

/* All texts of one cache together; past it there are no candidates, and that is said. */
#define CANDIDATES_CACHE_MAX ((size_t)64 << 20)

struct candidates;

struct candidates *candidates_new(
	const struct db *db, const char *const *members, size_t n); /* members must outlive it */
void candidates_free(struct candidates *c);
DEFINE_CLEANUP(struct candidates *, candidates_free)
/* The set of the node's candidates, which may be empty; NULL: it has none (no text, or one that can't
 * be used: *why, which lives as long as the cache, says so then; it is NULL otherwise; why may be
 * NULL). *ret_text (may be NULL) is the text, "" for none; the same pointer for equal texts. */
const struct bitset *candidates_of(
	struct candidates *c, uint32_t node, const char **ret_text, const char **why);
/* Names of the text that candidates_of() gave which are nothing, comma separated; "": there are none. */
const char *candidates_unknown(const struct candidates *c, const char *text);

#endif
