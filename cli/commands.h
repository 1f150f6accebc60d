/*
 * The functions behind the rows of verbs.c, and what they share.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "base/usec.h"
#include "cli/client.h"
#include "cli/verb.h"
#include "cli/writer.h"
#include "wire/json.h"

int run_show(struct call *call);
int run_watch(struct call *call);
int run_invite(struct call *call);
int run_join(struct call *call);
int run_delete(struct call *call);
int run_gencert(struct call *call);
int run_resign(struct call *call);
int run_adopt(struct call *call);
int run_log(struct call *call);
int run_secret(struct call *call);
int run_rekey(struct call *call);
int run_dump(struct call *call);
int run_restore(struct call *call);
int run_pause(struct call *call);
int run_resume(struct call *call);
int run_history(struct call *call);
int run_claim(struct call *call);
int run_nodes(struct call *call);
int run_candidates(struct call *call);
int run_plan(struct call *call);
int run_drain(struct call *call);
int run_undrain(struct call *call);
int run_rebalance(struct call *call);

/* A new request {"operation":operation}. */
json *command_request(const char *operation);
/* Asks (takes the request). CLI_OK with the answer, or CLI_FAILED with the reason on standard error,
 * the agent's own errors included. */
int command_ask(struct call *call, json *request, usec_t timeout, json **ret_answer);
/* The same without a word about errors: client_ask(), client_collect(). All that an agent answers goes
 * through one of these, or, its first object, through command_heard(): what every answer may say (that
 * automatic moves are paused) is told there, once, and kept for command_writer(). */
int command_answer(struct call *call, json *request, usec_t timeout, json **ret_answer,
	struct err *err) MUST_CHECK;
int command_collect(struct call *call, json *request, usec_t timeout, client_frame_fn *on_frame,
	void *arg, struct err *err) MUST_CHECK;
void command_heard(struct call *call, FILE *err, const json *answer);
/* " (since … by root on mgt1: reason)": who gave an order, "at", "by", "actor" and "reason" as far as they are
 * known. */
void command_print_order(FILE *err, const json *order);
/* For what the verb prints; JSON where --json is given. */
struct writer *command_writer(const struct call *call, FILE *out);
/* Asks and prints the answer's "status". */
int command_status(struct call *call, json *request);
int command_failed(struct call *call, const char *text);

/* The facts of an answer to "show"; now is in seconds since 1970. Members of the answer that are not
 * known here are left out. */
void show_write(struct writer *w, const json *answer, double now);
/* What the user should know about the answer; for standard error. Nothing when all is well. */
void show_notes(FILE *err, const json *answer);
/* How far a change of the collective key has come. */
void rekey_write(struct writer *w, const json *answer, double now);
void invitations_write(struct writer *w, const json *answer, double now);
/* Entries, as an answer to "history" lists them: a line each. */
void history_write(FILE *out, const json *list);

/* "2026-11-22 07:50:36" in local time, with zone " +0000" behind it; "" where that is no time. dst is
 * DATE_MAX long. */
#define DATE_MAX 64
const char *date(double seconds, bool zone, char *dst);
/* "2h 3m" for a number of seconds, however strange; dst is NUM_DURATION_MAX long. */
const char *duration(double seconds, char *dst);

#endif
