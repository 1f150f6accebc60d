/*
 * collective join: gets hold of the invitation without leaving it about, and waits for the agent to
 * redeem it. An invitation from argv has been overwritten there before this file sees it.
 */
#include "config.h"
#include "cli/commands.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/client.h"

#define JOIN_TIMEOUT (120 * USEC_PER_SEC)
/* Many times what a token needs. */
#define TOKEN_MAX 8192

/* The token without the blanks and line ends around it, new. */
static char *trim(const char *text, size_t len)
{
	static const char blanks[] = " \t\r\n";

	while (len && strchr(blanks, text[len - 1]))
		len--;
	while (len && strchr(blanks, *text)) {
		text++;
		len--;
	}
	return xstrndup(text, len);
}

/* One line; NULL at the end of the file. */
static char *read_line(FILE *in)
{
	char line[TOKEN_MAX];
	char *token = NULL;

	if (fgets(line, sizeof(line), in))
		token = trim(line, strlen(line));
	mem_wipe(line, sizeof(line));
	return token;
}

static char *ask(struct call *call)
{
	char *token = NULL;

	while (!token || !*token) {
		secret_free(token);
		fprintf(call->out, "Paste the invitation here: ");
		fflush(call->out);
		token = read_line(call->in);
		if (!token)
			break;
	}
	return token;
}

static char *read_token_file(const char *path, struct err *err)
{
	struct buf b = BUF_INIT(TOKEN_MAX);
	char *token = NULL;

	if (file_read(path, &b, err) == 0)
		token = trim(buf_cstr(&b), b.len);
	buf_wipe(&b);
	return token;
}

static char *get_token(struct call *call, struct err *err)
{
	const char *given = call_option(call, "i");
	const char *path = call_option(call, "token-file");
	char *token;

	if (given && path) {
		err_set(err, -1, "-i and --token-file exclude each other");
		return NULL;
	}
	if (path)
		token = read_token_file(path, err);
	else if (text_eq(given, "-"))
		token = read_line(call->in);
	else if (given)
		token = trim(given, strlen(given));
	else
		token = ask(call);
	if ((!token || !*token) && !err->text[0])
		err_set(err, -1, "no invitation was given (collective invite NAME prints one)");
	if (err->text[0]) {
		secret_free(token);
		return NULL;
	}
	return token;
}

int run_join(struct call *call)
{
	CLEANUP(json_freep) json *answer = NULL;
	CLEANUP(secret_freep) char *token = NULL;
	const char *status = "Success";
	struct err err = {""};
	json *request;
	int rc;

	token = get_token(call, &err);
	if (!token)
		return command_failed(call, err.text);
	request = command_request("join");
	json_set_str(request, "server", call->args[0]);
	json_set_str(request, "invitation", token);
	rc = command_ask(call, request, JOIN_TIMEOUT, &answer);
	if (rc != CLI_OK)
		return rc;
	if (json_str(answer, "status", &status, &err) < 0) {
		err_wrap(&err, 0, "unexpected answer of collectived");
		return command_failed(call, err.text);
	}
	if (json_at(answer, "certificate"))
		fprintf(call->out, "Certificate generated successfully\n");
	writer_print(call->out, status);
	fputc('\n', call->out);
	return CLI_OK;
}
