/* libs: trust base; pkg: CRYPTO */
/*
 * The bundle, as a file that somebody edited or as what an inviter sent. Each input is read as it is,
 * and once more with a check line that fits behind it, which no mutation would ever hit. What is
 * taken must come back the same from its own text.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "trust/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_round_trip(const struct bundle *b)
{
	struct bundle *copy = NULL;
	char *text = NULL;
	char *again = NULL;

	if (bundle_encode(b, &text, NULL) < 0 ||
		bundle_parse(&copy, text, strlen(text), NULL) < 0 ||
		bundle_encode(copy, &again, NULL) < 0 || strcmp(text, again) != 0)
		abort();
	secret_free(text);
	secret_free(again);
	bundle_free(copy);
}

static void run(const char *text, size_t len)
{
	struct bundle *b = NULL;
	struct err err = {""};

	if (bundle_parse(&b, text, len, &err) < 0) {
		if (!err.text[0] || b)
			abort();
		return;
	}
	expect_round_trip(b);
	bundle_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char digest[KDF_SHA256_LEN];
	char *hex;
	char *sealed;

	if (size == 0) {
		run("", 0);
		return 0;
	}
	run((const char *)data, size);
	if (size > BUNDLE_TEXT_MAX || memchr(data, '\0', size))
		return 0;
	if (kdf_sha256(data, size, digest, NULL) < 0)
		abort();
	hex = hex_encode(digest, sizeof(digest));
	sealed = xasprintf("%.*scheck %s\n", (int)size, (const char *)data, hex);
	run(sealed, strlen(sealed));
	free(sealed);
	free(hex);
	return 0;
}
