/*
 * collective dump: a backup of all nodes and groups, as files in a folder. The agent tells what goes into
 * them, as it is at one revision.
 */
#include "config.h"
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/backup.h"
#include "cli/client.h"
#include "cli/dump_files.h"

#define PAUSE_MAX (60 * USEC_PER_SEC)

struct dumping {
	struct call *call;
	struct dump_files *files;
	json *begin; /* what the agent said first; may hold keys in clear */
	json *end;
	char *refused;
};

static void dumping_done(struct dumping *d)
{
	dump_files_free(d->files);
	json_wipe(d->begin);
	json_free(d->end);
	free(d->refused);
}

static int on_frame(const json *frame, void *arg)
{
	struct dumping *d = arg;
	const char *name;

	if (json_str(frame, "error", &name, NULL) == 0) {
		d->refused = xstrdup(name);
		return 1;
	}
	if (json_str(frame, "node", &name, NULL) == 0) {
		dump_files_node(d->files, name, json_at(frame, "entry"));
	} else if (json_str(frame, "group", &name, NULL) == 0) {
		dump_files_group(d->files, name, json_at(frame, "entry"));
	} else if (json_at(frame, "begin") && !d->begin) {
		d->begin = json_clone(json_at(frame, "begin"));
	} else if (json_at(frame, "end")) {
		d->end = json_clone(json_at(frame, "end"));
		return 1;
	}
	return 0;
}

/* ---- what is wanted ---- */

static bool may_overwrite(struct call *call, const char *folder, struct err *err)
{
	static const char *const names[] = {DUMP_MAIN, DUMP_KEYS};

	for (size_t i = 0; i < ARRAY_SIZE(names) && !call_option(call, "force"); i++) {
		CLEANUP(freep) char *path = file_join(folder, names[i]);

		if (file_exists(path)) {
			err_set(err, -EEXIST,
				"%s is there already: choose another folder, or --force to replace "
				"the backup in this one",
				path);
			return false;
		}
	}
	return true;
}

/* How the keys are to be kept; NULL: that is not clear. */
static const char *keys_wanted(struct call *call, struct err *err)
{
	static const struct {
		const char *option, *keys;
	} ways[] = {{"password-file", "password"}, {"unprotected", "unencrypted"},
		{"skipkeys", "none"}, {"redact", "none"}};
	const char *keys = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		if (!call_option(call, ways[i].option))
			continue;
		keys = ways[i].keys;
		n++;
	}
	if (n > 1)
		err_set(err, -EINVAL,
			"--password-file, --unprotected, --skipkeys and --redact exclude each "
			"other");
	else if (n == 0 && !ask_possible(call))
		err_set(err, -EINVAL,
			"say what becomes of the secrets: --password-file FILE protects the keys "
			"that open them, --unprotected writes the keys in clear, --skipkeys leaves "
			"the keys out, --redact leaves the secrets out");
	else
		return n ? keys : "password";
	return NULL;
}

/* The request, with the password in it; NULL and err. */
static json *make_request(struct call *call, struct err *err)
{
	CLEANUP(secret_freep) char *password = NULL;
	const char *keys = keys_wanted(call, err);
	json *request;

	if (!keys || (text_eq(keys, "password") && backup_password(call, true, &password, err) < 0))
		return NULL;
	request = command_request("dump");
	json_set_bool(request, "redact", call_option(call, "redact") != NULL);
	json_set_str(request, "keys", keys);
	if (password)
		json_set_str(request, "password", password);
	return request;
}

/* ---- what was done ---- */

static void tell_notes(struct call *call, const struct dumping *d)
{
	int64_t odd = 0;

	if (json_i64(d->end, "odd", &odd, NULL) == 0 && odd > 0)
		fprintf(call->err,
			"%lld key%s in etcd can't be used, not all of %s is in the backup "
			"(collective show -v)\n",
			(long long)odd, odd == 1 ? "" : "s", odd == 1 ? "it" : "them");
	if (call_option(call, "unprotected"))
		fprintf(call->err, "%s opens all secrets of this backup: keep it apart\n",
			DUMP_KEYS);
}

static int tell(struct call *call, struct dumping *d)
{
	size_t nodes, groups;
	const char *revision = "";
	struct writer *w;

	dump_files_count(d->files, &nodes, &groups);
	(void)!json_str(d->end, "revision", &revision, NULL);
	tell_notes(call, d);
	if (call_option(call, "json")) {
		w = command_writer(call, call->out);
		writer_number(w, "nodes", (double)nodes, NULL, NULL);
		writer_number(w, "groups", (double)groups, NULL, NULL);
		writer_text(w, "revision", NULL, revision);
		writer_free(w);
		return CLI_OK;
	}
	fprintf(call->out, "dumped %zu node%s and %zu group%s as of revision ", nodes,
		nodes == 1 ? "" : "s", groups, groups == 1 ? "" : "s");
	writer_print(call->out, revision);
	fprintf(call->out, " to ");
	writer_print(call->out, call->args[0]);
	fputc('\n', call->out);
	return CLI_OK;
}

int run_dump(struct call *call)
{
	CLEANUP(dumping_done)
	struct dumping d = {.call = call, .files = dump_files_new()};
	const char *folder = call->args[0];
	struct err err = {""};
	json *request;

	if (!may_overwrite(call, folder, &err))
		return command_failed(call, err.text);
	request = make_request(call, &err);
	if (!request)
		return command_failed(call, err.text);
	if (command_collect(call, request, PAUSE_MAX, on_frame, &d, &err) < 0)
		return command_failed(call, err.text);
	if (d.refused)
		return command_failed(call, d.refused);
	if (!d.begin || !json_is_object(json_at(d.begin, "members")))
		return command_failed(call, "unexpected answer of collectived");
	if (dump_files_write(d.files, folder, json_at(d.begin, "members"), json_at(d.begin, "keys"),
		    &err) < 0)
		return command_failed(call, err.text);
	return tell(call, &d);
}
