#include "config.h"
#include "cli/commands.h"

#include <time.h>

#include "base/num.h"
#include "base/text.h"
#include "cli/client.h"

json *command_request(const char *operation)
{
	json *request = json_new_object();

	json_set_str(request, "operation", operation);
	return request;
}

int command_failed(struct call *call, const char *text)
{
	writer_print(call->err, text);
	fputc('\n', call->err);
	return CLI_FAILED;
}

void command_print_order(FILE *err, const json *order)
{
	static const char *const words[][2] = {{"actor", " by "}, {"by", " on "}, {"reason", ": "}};
	char shown[DATE_MAX] = "";
	double at;

	fputs(" (", err);
	if (json_number(order, "at", &at, NULL) == 0)
		date(at, true, shown);
	fputs(*shown ? "since " : "by an administrator", err);
	fputs(shown, err);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *text = json_text(json_at(order, words[i][0]));

		if (!text || !*text)
			continue;
		fputs(words[i][1], err);
		writer_print(err, text);
	}
	fputc(')', err);
}

void command_heard(struct call *call, FILE *err, const json *answer)
{
	const json *paused = json_at(answer, "paused");

	json_free(call->paused);
	call->paused = json_is_object(paused) ? json_clone(paused) : NULL;
	if (call->paused && !call->told) {
		/* what every answer may say */
		fputs("Automatic moves are paused", err);
		command_print_order(err, call->paused);
		fputc('\n', err);
		call->told = true;
	}
}

struct writer *command_writer(const struct call *call, FILE *out)
{
	static const char *const texts[] = {"by", "actor", "reason"};
	struct writer *w;
	double at;

	if (!call_option(call, "json"))
		return writer_text_new(out);
	w = writer_json_new(out);
	if (!call->paused)
		return w;
	writer_object(w, "paused", NULL);
	if (json_number(call->paused, "at", &at, NULL) == 0)
		writer_number(w, "at", at, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = json_text(json_at(call->paused, texts[i]));

		if (text)
			writer_text(w, texts[i], NULL, text);
	}
	writer_end(w);
	return w;
}

int command_answer(
	struct call *call, json *request, usec_t timeout, json **ret_answer, struct err *err)
{
	int rc = client_ask(call->socket, request, timeout, ret_answer, err);

	if (rc == 0)
		command_heard(call, call->err, *ret_answer);
	return rc;
}

struct collecting {
	struct call *call;
	bool heard;
	client_frame_fn *on_frame;
	void *arg;
};

static int on_collected(const json *frame, void *arg)
{
	struct collecting *c = arg;

	if (!c->heard)
		command_heard(c->call, c->call->err, frame);
	c->heard = true;
	return c->on_frame(frame, c->arg);
}

int command_collect(struct call *call, json *request, usec_t timeout, client_frame_fn *on_frame,
	void *arg, struct err *err)
{
	struct collecting c = {.call = call, .on_frame = on_frame, .arg = arg};

	return client_collect(call->socket, request, timeout, on_collected, &c, err);
}

int command_ask(struct call *call, json *request, usec_t timeout, json **ret_answer)
{
	CLEANUP(json_freep) json *answer = NULL;
	const char *text;
	struct err err = {""};

	if (command_answer(call, request, timeout, &answer, &err) < 0)
		return command_failed(call, err.text);
	if (json_str(answer, "error", &text, NULL) == 0)
		return command_failed(call, text);
	*ret_answer = TAKE(answer);
	return CLI_OK;
}

int command_status(struct call *call, json *request)
{
	CLEANUP(json_freep) json *answer = NULL;
	const char *status = "";
	struct err err = {""};
	struct writer *w;
	int rc = command_ask(call, request, CLIENT_ANSWER_TIMEOUT, &answer);

	if (rc != CLI_OK)
		return rc;
	if (json_str(answer, "status", &status, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	if (call_option(call, "json")) {
		w = command_writer(call, call->out);
		writer_text(w, "status", NULL, status);
		writer_free(w);
		return CLI_OK;
	}
	writer_print(call->out, status);
	fputc('\n', call->out);
	return CLI_OK;
}

int run_delete(struct call *call)
{
	json *request = command_request("delete");

	json_set_str(request, "member", call->args[0]);
	return command_status(call, request);
}

int run_gencert(struct call *call)
{
	return command_status(call, command_request("gencert"));
}

int run_resign(struct call *call)
{
	return command_status(call, command_request("resign"));
}

int run_adopt(struct call *call)
{
	return command_status(call, command_request("adopt"));
}

int run_log(struct call *call)
{
	json *request = command_request("log");

	json_set_str(request, "module", call->count > 1 ? call->args[0] : NULL);
	json_set_str(request, "level", call->args[call->count - 1]);
	return command_status(call, request);
}

const char *date(double seconds, bool zone, char *dst)
{
	struct tm tm;
	size_t len;
	time_t t;

	*dst = '\0';
	if (!(seconds >= 0 && seconds <= 1e11))
		return dst;
	t = (time_t)seconds;
	if (!localtime_r(&t, &tm))
		return dst;
	len = strftime(dst, DATE_MAX, "%Y-%m-%d %H:%M:%S", &tm);
	if (len && zone)
		strftime(dst + len, DATE_MAX - len, " %z", &tm);
	return dst;
}

const char *duration(double seconds, char *dst)
{
	/* Answers come from elsewhere: a clock may be off, a number may be nonsense. */
	if (!(seconds > 0))
		seconds = 0;
	if (seconds > 1e12)
		seconds = 1e12;
	return num_format_duration((usec_t)(seconds * (double)USEC_PER_SEC), dst);
}
