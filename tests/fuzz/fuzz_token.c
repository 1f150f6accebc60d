/* libs: trust base; pkg: CRYPTO */
/*
 * Invitation tokens as pasted by people. Whatever is taken must be what it says: encoding its bytes
 * gives the very same text, its name is a name and the first part of the bytes.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64.h"
#include "base/mem.h"
#include "trust/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = size ? xstrndup((const char *)data, size) : xstrdup("");
	struct err err = {""};
	struct token token;
	char *again;

	if (token_parse(text, &token, &err) < 0) {
		if (strncmp(err.text, "Invalid token format: ", 22) != 0)
			abort();
		free(text);
		return 0;
	}
	again = b64_encode(token.bytes, token.len);
	if (strcmp(text, again) != 0 || !name_valid(token.name) ||
		memcmp(token.bytes, token.name, strlen(token.name)) != 0)
		abort();
	token_wipe(&token);
	free(again);
	free(text);
	return 0;
}
