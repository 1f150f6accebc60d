/*
 * Real etcd processes on loopback ports, in a temporary folder, for tests: the program named by the
 * environment variable ETCD, or the second one named by ETCD_35.
 */
#ifndef TESTS_UNIT_TEST_ETCD_SERVER_H
#define TESTS_UNIT_TEST_ETCD_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct server {
	pid_t pid; /* 0: not running */
	int client_port, peer_port;
	char name[32];
	char url[64];
	char data[192]; /* folder */
	char log[192];
	char cluster[512];	/* --initial-cluster */
	const char *option[12]; /* more options and their values, then NULL */
};

/* The nth program to test with, or NULL. */
const char *server_program(size_t n);
/* n servers of one cluster, not started; folder is made. */
void server_init(struct server *servers, size_t n);
/* The folder that all is in. */
const char *server_folder(void);
/* Clients speak TLS: to be followed by options that name certificates. */
void server_use_tls(struct server *server);
/* Starts them and waits until each answers /version, which takes a majority, or, under TLS, takes
 * connections. */
void server_start(struct server *servers, size_t n, const char *program);
/* SIGKILL or SIGTERM, and waits for the end. */
void server_stop(struct server *server, int signal);
/* Copies its data to, or back from, a second folder; it must not run. */
void server_save(struct server *server);
void server_restore(struct server *server);
/* The next start is that of a new cluster at the same client URL. */
void server_replace(struct server *server);
/* Kills what runs and removes the folder. */
void server_done(struct server *servers, size_t n);

/* A program with its arguments, to its good end. */
void server_run(const char *const argv[]);

/* As SUITE_MAIN(), but skipped, with a line that says so, where there is no etcd. */
#define SERVER_MAIN(make_suite)                                                                    \
	int main(void)                                                                             \
	{                                                                                          \
		SRunner *runner;                                                                   \
		int failed;                                                                        \
                                                                                                   \
		if (!server_program(0)) {                                                          \
			puts("SKIP: no etcd to test with (environment variable ETCD)");            \
			return 77;                                                                 \
		}                                                                                  \
		runner = srunner_create(make_suite());                                             \
		srunner_run_all(runner, CK_ENV);                                                   \
		failed = srunner_ntests_failed(runner);                                            \
		srunner_free(runner);                                                              \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

#endif
