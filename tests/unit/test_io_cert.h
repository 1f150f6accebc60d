/*
 * Certificates for the tests of io: made on the spot, in memory.
 */
#ifndef TEST_IO_CERT_H
#define TEST_IO_CERT_H

struct test_cert {
	char *certificate; /* PEM */
	char *key;	   /* PEM */
};

/* For 127.0.0.1 and the name "localhost", for an hour; signed by issuer, or by itself where
 * NULL. */
void test_cert_make(
	struct test_cert *cert, const char *common_name, const struct test_cert *issuer);
void test_cert_done(struct test_cert *cert);

#endif
