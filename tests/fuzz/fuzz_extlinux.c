/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* extlinux.conf of a new root: which kernel would boot. Input: the text, as far as a NUL. */
#include "fuzz/fuzz.h"

#include "health/extlinux.h"

static bool is_path_or_none(const char path[PATH_MAX])
{
	return memchr(path, '\0', PATH_MAX) && (path[0] == '\0' || path[0] == '/');
}

static void judge(const struct jota_extlinux *entry)
{
	PROMISE(entry->label[0] != '\0' && memchr(entry->label, '\0', sizeof(entry->label)));
	PROMISE(entry->kernel[0] == '/' && is_path_or_none(entry->kernel));
	PROMISE(is_path_or_none(entry->initrd) && is_path_or_none(entry->fdt));
	PROMISE(memchr(entry->append, '\0', sizeof(entry->append)));
	/* Seeds have 12 at most. */
	fuzz_plant(strlen(entry->initrd) > 24, entry->initrd);
}

static void put(FILE *to, const char *word, const char *value)
{
	if (value[0] != '\0')
		(void)fprintf(to, "%s %s\n", word, value);
}

/* What was understood, written down plainly, is understood again. */
static void judge_rewritten(const struct jota_extlinux *entry)
{
	struct jota_extlinux *again = malloc(sizeof(*again));
	struct jota_err err = { 0 };
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);

	PROMISE(again != NULL && to != NULL);
	put(to, "DEFAULT", entry->label);
	put(to, "LABEL", entry->label);
	put(to, "LINUX", entry->kernel);
	put(to, "INITRD", entry->initrd);
	put(to, "FDT", entry->fdt);
	put(to, "APPEND", entry->append);
	PROMISE(fclose(to) == 0);
	PROMISE(jota_extlinux_parse(text, again, &err) == 0);
	PROMISE(strcmp(again->label, entry->label) == 0);
	PROMISE(strcmp(again->kernel, entry->kernel) == 0);
	PROMISE(strcmp(again->initrd, entry->initrd) == 0);
	PROMISE(strcmp(again->fdt, entry->fdt) == 0);
	PROMISE(strcmp(again->append, entry->append) == 0);
	free(text);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	char *text = fuzz_copy(data, len_bytes, len_bytes + 1);
	struct jota_extlinux *entry = malloc(sizeof(*entry));
	struct jota_err err = { 0 };
	int r;

	PROMISE(entry != NULL);
	r = jota_extlinux_parse(text, entry, &err);
	fuzz_check_result(r, &err);
	if (r == 0) {
		judge(entry);
		judge_rewritten(entry);
	}
	free(entry);
	free(text);
	return 0;
}
