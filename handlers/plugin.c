/* SPDX-License-Identifier: GPL-2.0-only */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Plugin form: wakes up inside an unmodified swupdate and nowhere else. Three things only: the
 * gate that keeps children of
 * swupdate unharmed, the canary that compares the host's struct layout with the headers this was
 * compiled with, and the removal of the
 * preload from the environment.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "suite.h"
#include "cpiohdr.h"
#include "installer.h"

#define PLUGIN_FILE "jetson-handlers.so"
/*
 * Larger than any host's struct: a host that reads at other offsets than ours finds zeros, not
 * foreign memory.
 */
#define CANARY_BYTES ((size_t)64 * 1024)

/*
 * Children of swupdate must not inherit the preload; other preloads (a sanitizer, fakeroot)
 * stay.
 */
static void forget_preload(void)
{
	const char *preload = getenv("LD_PRELOAD");
	char *rest, *end;

	if (!preload)
		return;
	rest = calloc(1, strlen(preload) + 1);
	if (!rest)
		return;
	end = rest;
	while (*preload) {
		size_t len = strcspn(preload, " :");
		size_t tail = strlen(PLUGIN_FILE);
		bool ours = len >= tail && !memcmp(preload + len - tail, PLUGIN_FILE, tail);

		if (len && !ours) {
			if (end != rest)
				*end++ = ':';
			memcpy(end, preload, len);
			end += len;
		}
		preload += len;
		preload += strspn(preload, " :");
	}
	if (*rest)
		setenv("LD_PRELOAD", rest, 1);
	else
		unsetenv("LD_PRELOAD");
	free(rest);
}

static bool have_host(void)
{
	static const char *const needed[] = {
		"check_if_required",
		"copyimage",
		"count_elem_list",
		"dict_drop_db",
		"dict_get_value",
		"dict_set_value",
		"get_bootloader",
		"get_output_size",
		"get_tmpdir",
		"loglevel",
		"notify",
		"register_bootloader",
		"register_handler",
		"register_notifier",
		"swupdate_progress_info",
	};
	size_t missing = 0;

	/* No swupdate at all: a shell, or a tool that swupdate started. Silence. */
	if (!dlsym(RTLD_DEFAULT, "register_handler") && !dlsym(RTLD_DEFAULT, "copyimage") &&
	    strcmp(program_invocation_short_name, "swupdate") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (dlsym(RTLD_DEFAULT, needed[i]))
			continue;
		fprintf(stderr, "jetson handlers: this swupdate does not export '%s'.\n", needed[i]);
		missing++;
	}
	if (missing)
		fprintf(stderr,
			"jetson handlers: NOT loaded. Build swupdate with CONFIG_LUA or with "
			"EXTRA_LDFLAGS=\"-Wl,-E\", or compile the handlers in.\n");
	return !missing;
}

/*
 * The host walks a list, fills in an image and reads its properties; each must end where our
 * headers say.
 */
static bool canary_agrees(struct img_type *a, struct img_type *b)
{
	struct imglist list;
	struct filehdr hdr = { .size = 4711 };
	struct img_type *found = NULL;
	char destination[] = "/jota/";
	int answer;
	bool same;

	LIST_INIT(&list);
	LIST_INSERT_HEAD(&list, b, next);
	LIST_INSERT_HEAD(&list, a, next);
	(void)snprintf(hdr.filename, sizeof(hdr.filename), "canary");
	(void)snprintf(a->fname, sizeof(a->fname), "canary");
	a->install_directly = 1;
	if (count_elem_list(&list) != 2)
		return false;
	answer = (int)check_if_required(&list, &hdr, destination, &found);
	if (answer != (int)INSTALL_FROM_STREAM || found != a || a->provided != 1 ||
	    a->size != 4711 || strcmp(a->extract_file, "/jota/canary") != 0)
		return false;
	a->compressed = COMPRESSED_ZLIB;
	if (dict_set_value(&a->properties, "decompressed-size", "815"))
		return false;
	same = get_output_size(a, true) == 815;
	dict_drop_db(&a->properties);
	return same;
}

static bool layout_fits(void)
{
	struct img_type *a = calloc(1, CANARY_BYTES), *b = calloc(1, CANARY_BYTES);
	int level = loglevel;
	bool same;

	loglevel = OFF; /* on a mismatch the host would complain about an image that nobody knows */
	same = a && b && canary_agrees(a, b);
	loglevel = level;
	free(a);
	free(b);
	if (!same)
		fprintf(stderr,
			"jetson handlers: NOT loaded. This swupdate lays out its images differently from the headers that " PLUGIN_FILE
			" was compiled with: use the plugin built for this version of swupdate.\n");
	return same;
}

__attribute__((constructor)) static void wake_up(void)
{
	forget_preload();
	if (have_host() && layout_fits())
		(void)jota_suite_register();
}
