#include "config.h"
#include "cli/backup.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"

#define PASSWORD_MAX 8192

static int read_password(const char *path, char **ret, struct err *err)
{
	struct buf b = BUF_INIT(PASSWORD_MAX);
	int rc = file_read(path, &b, err);

	if (rc == 0)
		*ret = xstrndup(buf_cstr(&b), strcspn(buf_cstr(&b), "\r\n"));
	buf_wipe(&b);
	return rc;
}

static int ask(struct call *call, bool twice, char **ret, struct err *err)
{
	for (;;) {
		CLEANUP(secret_freep) char *once = ask_hidden(call, "Password of the backup: ");
		CLEANUP(secret_freep)
		char *again = once && twice ? ask_hidden(call, "Once more: ") : xstrdup_null(once);

		if (!again)
			return err_set(err, -ENODATA, "no password was given");
		if (text_eq(once, again)) {
			*ret = TAKE(again);
			return 0;
		}
		fprintf(call->err, "The two are not the same.\n");
	}
}

int backup_password(struct call *call, bool twice, char **ret, struct err *err)
{
	const char *path = call_option(call, "password-file");
	CLEANUP(secret_freep) char *password = NULL;
	int rc = 0;

	if (!path)
		rc = ask(call, twice, &password, err);
	else if (text_eq(path, "-"))
		password = ask_hidden(call, "");
	else
		rc = read_password(path, &password, err);
	if (rc < 0)
		return rc;
	if (!password || !*password)
		return err_set(err, -ENODATA, "the password is empty");
	*ret = TAKE(password);
	return 0;
}
