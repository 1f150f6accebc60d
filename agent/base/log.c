#include "config.h"
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LOG_LINE_MAX	 2048
#define LOG_MODULES_MAX	 32
#define LOG_MODULE_NAME	 16
#define LOG_LIMIT_PERIOD (60 * USEC_PER_SEC)

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static struct {
	enum log_level level;
	struct {
		char name[LOG_MODULE_NAME];
		enum log_level level;
	} modules[LOG_MODULES_MAX];
	size_t n_modules;
	log_sink_fn *sink;
	void *sink_arg;
} logger = {.level = LOG_LEVEL_INFO};

void log_set_sink(log_sink_fn *fn, void *arg)
{
	logger.sink = fn;
	logger.sink_arg = arg;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

int log_set_level(const char *module, const char *level)
{
	size_t i;
	size_t l;

	for (l = 0; l < ARRAY_SIZE(level_names); l++) {
		if (text_eq(level, level_names[l]))
			break;
	}
	if (l == ARRAY_SIZE(level_names))
		return -EINVAL;
	if (!module || text_eq(module, "all")) {
		logger.level = (enum log_level)l;
		logger.n_modules = 0;
		return 0;
	}
	for (i = 0; i < logger.n_modules; i++) {
		if (text_eq(logger.modules[i].name, module))
			break;
	}
	if (i == LOG_MODULES_MAX || strlen(module) >= LOG_MODULE_NAME)
		return -ENOSPC;
	if (i == logger.n_modules)
		logger.n_modules++;
	snprintf(logger.modules[i].name, sizeof(logger.modules[i].name), "%s", module);
	logger.modules[i].level = (enum log_level)l;
	return 0;
}

static bool log_passes(enum log_level level, const char *module)
{
	for (size_t i = 0; i < logger.n_modules; i++) {
		if (text_eq(logger.modules[i].name, module))
			return level <= logger.modules[i].level;
	}
	return level <= logger.level;
}

void log_line(enum log_level level, const char *module, const char *fmt, ...)
{
	int saved = errno;
	char text[LOG_LINE_MAX];
	va_list ap;

	if (!log_passes(level, module))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (logger.sink)
		logger.sink(level, module, text, logger.sink_arg);
	else
		fprintf(stderr, "%s: %s: %s\n", level_names[level], module, text);
	errno = saved;
}

int log_limit_pass(struct log_limit *limit, usec_t now, unsigned *ret_left_out)
{
	if (now < limit->next) {
		limit->left_out++;
		return 0;
	}
	*ret_left_out = limit->left_out;
	limit->left_out = 0;
	limit->next = now + LOG_LIMIT_PERIOD;
	return 1;
}
