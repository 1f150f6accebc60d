#include "config.h"
#include "member/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN  36
#define STATE_MAX    1024
#define FIELDS_MAX   5

struct state {
	char *folder;
	char *lease_path;
	char *etcd_path;
	char *hold_path;
	int lock;
	char boot_id[BOOT_ID_LEN + 1];
};

static int take_lock(struct state *state, struct err *err)
{
	CLEANUP(freep) char *path = file_join(state->folder, "lock");

	state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->lock < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	if (flock(state->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(err, -EALREADY,
				"already running: another agent uses the state folder %s",
				state->folder);
		return err_errno(err, -errno, "cannot lock %s", path);
	}
	return 0;
}

static int read_boot_id(struct state *state, struct err *err)
{
	struct buf b = BUF_INIT(STATE_MAX);
	int rc = file_read(BOOT_ID_FILE, &b, err);

	if (rc == 0 && b.len < BOOT_ID_LEN)
		rc = err_set(err, -EIO, "%s is too short", BOOT_ID_FILE);
	if (rc == 0)
		memcpy(state->boot_id, b.data, BOOT_ID_LEN);
	buf_done(&b);
	return rc;
}

int state_open(struct state **ret, const char *folder, struct err *err)
{
	struct state *state = xcalloc(1, sizeof(*state));
	int rc;

	state->lock = -1;
	state->folder = xstrdup(folder);
	state->lease_path = file_join(folder, "lease");
	state->etcd_path = file_join(folder, "etcd");
	state->hold_path = file_join(folder, "hold");
	rc = file_make_folder(folder, 0700, err);
	if (rc == 0)
		rc = take_lock(state, err);
	if (rc == 0)
		rc = read_boot_id(state, err);
	if (rc < 0) {
		state_close(state);
		return rc;
	}
	*ret = state;
	return 0;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	if (state->lock >= 0)
		close(state->lock);
	free(state->folder);
	free(state->lease_path);
	free(state->etcd_path);
	free(state->hold_path);
	free(state);
}

/* Reads one line of exactly n blank-separated fields. False for anything else: the file is only a
 * shortcut. */
static bool read_fields(const char *path, struct buf *b, char *fields[], size_t n)
{
	char *at;

	if (file_read(path, b, NULL) < 0 || !b->len || b->data[b->len - 1] != '\n' ||
		strlen(b->data) != b->len)
		return false;
	b->data[b->len - 1] = '\0';
	at = b->data;
	for (size_t i = 0; i < n; i++) {
		fields[i] = at;
		at = strchr(at, i + 1 < n ? ' ' : '\0');
		if (!at)
			return false;
		*at++ = '\0';
	}
	return strchr(fields[n - 1], ' ') == NULL;
}

struct state_lease state_lease(
	const struct state *state, const char *collective_id, const char *name)
{
	struct buf b = BUF_INIT(STATE_MAX);
	char *fields[FIELDS_MAX];
	struct state_lease lease = {0};

	if (!read_fields(state->lease_path, &b, fields, 5) || !text_eq(fields[0], state->boot_id) ||
		!text_eq(fields[1], collective_id) || !text_eq(fields[2], name) ||
		num_i64_range(fields[3], 1, INT64_MAX, &lease.id) < 0 ||
		num_i64_range(fields[4], 1, INT64_MAX, &lease.ttl) < 0)
		lease = (struct state_lease){0};
	buf_done(&b);
	return lease;
}

/* See state.h for why that is enough. */
static int write_unsynced(const char *path, const char *text, struct err *err)
{
	return file_replace_unsynced(path, text, strlen(text), 0600, err);
}

int state_save_lease(struct state *state, const char *collective_id, const char *name,
	const struct state_lease *lease, struct err *err)
{
	CLEANUP(freep) char *text = NULL;

	if (!lease->id)
		return file_remove_unsynced(state->lease_path, err);
	text = xasprintf("%s %s %s %" PRId64 " %" PRId64 "\n", state->boot_id, collective_id, name,
		lease->id, lease->ttl);
	return write_unsynced(state->lease_path, text, err);
}

struct state_etcd state_etcd(const struct state *state, const char *collective_id)
{
	struct buf b = BUF_INIT(STATE_MAX);
	struct state_etcd etcd = {0};
	char *fields[FIELDS_MAX];

	if (!read_fields(state->etcd_path, &b, fields, 4) || !text_eq(fields[0], collective_id) ||
		num_u64(fields[1], &etcd.cluster_id) < 0 ||
		num_i64_range(fields[2], 0, INT64_MAX, &etcd.revision) < 0 ||
		num_u64(fields[3], &etcd.raft_term) < 0)
		etcd = (struct state_etcd){0};
	buf_done(&b);
	return etcd;
}

int state_save_etcd(struct state *state, const char *collective_id, const struct state_etcd *etcd,
	struct err *err)
{
	CLEANUP(freep)
	char *text = xasprintf("%s %" PRIu64 " %" PRId64 " %" PRIu64 "\n", collective_id,
		etcd->cluster_id, etcd->revision, etcd->raft_term);

	return write_unsynced(state->etcd_path, text, err);
}

char *state_hold(const struct state *state, const char *collective_id)
{
	struct buf b = BUF_INIT(STATE_MAX);
	char *why = NULL;
	char *blank;

	if (file_read(state->hold_path, &b, NULL) == 0 && b.len && strlen(b.data) == b.len) {
		b.data[strcspn(b.data, "\n")] = '\0';
		blank = strchr(b.data, ' ');
		if (blank) {
			*blank = '\0';
			why = text_eq(b.data, collective_id) ? xstrdup(blank + 1) : NULL;
		}
	}
	buf_done(&b);
	return why;
}

int state_save_hold(
	struct state *state, const char *collective_id, const char *why, struct err *err)
{
	CLEANUP(freep) char *text = NULL;

	if (!why)
		return file_remove_unsynced(state->hold_path, err);
	text = xasprintf("%s %.500s\n", collective_id, why);
	return write_unsynced(state->hold_path, text, err);
}

const char *state_boot_id(const struct state *state)
{
	return state->boot_id;
}
