#include "config.h"
#include "tests/unit/test_fixture.h"

#include <check.h>
#include <stdlib.h>

#include "base/mem.h"

char *test_folder_new(void)
{
	char *folder = xstrdup("/tmp/test.XXXXXX");

	ck_assert_ptr_nonnull(mkdtemp(folder));
	return folder;
}

void test_folder_remove(char *folder)
{
	CLEANUP(freep) char *command = xasprintf("rm -rf '%s'", folder);

	ck_assert_int_eq(system(command), 0);
	free(folder);
}

struct bundle *test_bundle_new(void)
{
	struct bundle *bundle = NULL;

	ck_assert_int_eq(bundle_found(&bundle, TEST_NOW, NULL), 0);
	bundle_add_endpoint(bundle, "http://192.0.2.1:2379");
	bundle->prefix = xstrdup("/confluent/");
	return bundle;
}
