/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* What came with the image and must fit together: firmware as the ESRT tells it, kernel and modules. */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "base/number.h"
#include "health/kind.h"
#include "health/version.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Linux Documentation/ABI/testing/sysfs-firmware-efi-esrt */
#define ESRT_PATH "/sys/firmware/efi/esrt/entries"
#define VALUE_BYTES_MAX 4096u
#define RELEASE_PATH "/proc/sys/kernel/osrelease"

enum { E_CLASS, E_MIN, E_EXACT, E_STATUS };
static const struct jota_field esrt_fields[] = {
	[E_CLASS] = { .name = "fw_class",
		      .type = JOTA_FIELD_TEXT,
		      .about = "GUID of the firmware; default the first entry" },
	[E_MIN] = { .name = "min_version",
		    .type = JOTA_FIELD_TEXT,
		    .about = "at least this: 36.4.3, 0x240403 or 2360323" },
	[E_EXACT] = { .name = "version", .type = JOTA_FIELD_TEXT, .about = "exactly this" },
	[E_STATUS] = { .name = "last_attempt_ok",
		       .type = JOTA_FIELD_BOOL,
		       .has_number = true,
		       .number = 1,
		       .about = "the last update of the firmware must not have failed" },
};

enum { K_LOADED };
static const struct jota_field modules_fields[] = {
	[K_LOADED] = { .name = "loaded",
		       .type = JOTA_FIELD_LIST,
		       .about = "modules that must be loaded or built in" },
};

static const char *esrt_conflict(const struct jota_check *check)
{
	uint32_t version;

	for (size_t i = E_MIN; i <= E_EXACT; i++)
		if (check->value[i].set &&
		    jota_firmware_version_parse(check->value[i].text, &version) < 0)
			return "min_version and version must be as 36.4.3, 0x240403 or 2360323";
	return NULL;
}

/* One attribute without its line end; 0 or -errno. */
static int read_attribute(const struct jota_io *io, const char *dir, const char *name, char *buf,
			  size_t buf_bytes)
{
	CLEANUP_FREE char *text = NULL;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	int r;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	r = jota_io_read_file(io, path, VALUE_BYTES_MAX, &text, NULL, NULL);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (strlen(text) >= buf_bytes)
		return -EBADMSG;
	memcpy(buf, text, strlen(text) + 1);
	return 0;
}

static int read_number(const struct jota_io *io, const char *dir, const char *name, uint32_t *ret)
{
	char text[64];
	uint64_t value = 0;
	int r = read_attribute(io, dir, name, text, sizeof(text));

	if (r == 0)
		r = jota_parse_u64(name, text, 0, UINT32_MAX, &value, NULL);
	*ret = (uint32_t)value;
	return r;
}

/* The entry with this class, or the first by name; its directory into buf. */
static bool find_entry(const struct jota_io *io, const char *fw_class, char *buf, size_t buf_bytes)
{
	char full[PATH_MAX], best[64] = "", found[64];
	struct dirent *entry;
	DIR *dir;

	if (jota_io_path(io, ESRT_PATH, full, sizeof(full), NULL) < 0)
		return false;
	dir = opendir(full);
	while (dir && (entry = readdir(dir)) != NULL) {
		char path[PATH_MAX];

		if (strncmp(entry->d_name, "entry", 5) != 0 || strlen(entry->d_name) >= sizeof(best))
			continue;
		(void)snprintf(path, sizeof(path), ESRT_PATH "/%.60s", entry->d_name);
		if (fw_class && (read_attribute(io, path, "fw_class", found, sizeof(found)) < 0 ||
				 strcasecmp(found, fw_class) != 0))
			continue;
		if (best[0] == '\0' || strcmp(entry->d_name, best) < 0)
			(void)snprintf(best, sizeof(best), "%.60s", entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	(void)snprintf(buf, buf_bytes, ESRT_PATH "/%s", best);
	return best[0] != '\0';
}

static void judge_esrt(const struct jota_value *value, uint32_t version, uint32_t status,
		       uint32_t attempted, struct jota_finding *ret)
{
	uint32_t want = 0;

	if (value[E_EXACT].set && jota_firmware_version_parse(value[E_EXACT].text, &want) == 0 &&
	    version != want)
		jota_found(ret, JOTA_FAIL, version < want ? JOTA_WHY_TOO_OLD : JOTA_WHY_TOO_NEW,
			   "firmware is 0x%06" PRIx32 ", expected 0x%06" PRIx32, version, want);
	else if (value[E_MIN].set && jota_firmware_version_parse(value[E_MIN].text, &want) == 0 &&
		 version < want)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_TOO_OLD,
			   "firmware is 0x%06" PRIx32 ", expected at least 0x%06" PRIx32, version,
			   want);
	else if (value[E_STATUS].number && status != 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FIRMWARE_ATTEMPT,
			   "update to 0x%06" PRIx32 " ended with status 0x%" PRIx32, attempted,
			   status);
	else
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "firmware is 0x%06" PRIx32, version);
}

static void run_esrt(const struct jota_check_run *run, struct jota_finding *ret)
{
	const struct jota_value *value = run->check->value;
	uint32_t version, status, attempted;
	char entry[PATH_MAX];

	if (!find_entry(run->io, value[E_CLASS].text, entry, sizeof(entry))) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_ESRT, "no entry%s%s in " ESRT_PATH,
			   value[E_CLASS].set ? " of class " : "",
			   value[E_CLASS].set ? value[E_CLASS].text : "");
		return;
	}
	if (read_number(run->io, entry, "fw_version", &version) < 0 ||
	    read_number(run->io, entry, "last_attempt_status", &status) < 0 ||
	    read_number(run->io, entry, "last_attempt_version", &attempted) < 0) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_BAD_ANSWER, "'%.120s' cannot be read", entry);
		return;
	}
	judge_esrt(value, version, status, attempted, ret);
}

static bool is_module_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && !strchr(name, '/');
}

static const char *modules_conflict(const struct jota_check *check)
{
	for (size_t i = 0; check->value[K_LOADED].set && check->value[K_LOADED].list[i]; i++)
		if (!is_module_name(check->value[K_LOADED].list[i]))
			return "loaded must have names of modules";
	return NULL;
}

/* sysfs writes '_' where the name of a module file may have '-'. */
static bool is_loaded(const struct jota_io *io, const char *name)
{
	char path[PATH_MAX], full[PATH_MAX];
	int n = snprintf(path, sizeof(path), "/sys/module/%.200s", name);

	for (char *p = path + 12; n > 0 && *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	return jota_io_path(io, path, full, sizeof(full), NULL) == 0 && access(full, F_OK) == 0;
}

static bool all_loaded(const struct jota_check_run *run, struct jota_finding *ret)
{
	char *const *name = run->check->value[K_LOADED].list;

	for (; name && *name; name++) {
		if (is_loaded(run->io, *name))
			continue;
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NOT_LOADED, "'%.100s'", *name);
		return false;
	}
	return true;
}

static void run_modules(const struct jota_check_run *run, struct jota_finding *ret)
{
	char release[96], path[PATH_MAX], full[PATH_MAX];
	struct stat st;

	if (read_attribute(run->io, "/proc/sys/kernel", "osrelease", release, sizeof(release)) < 0 ||
	    !is_module_name(release)) {
		jota_found(ret, JOTA_ERROR, JOTA_WHY_INTERNAL, "read '" RELEASE_PATH "'");
		return;
	}
	(void)snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	if (jota_io_path(run->io, path, full, sizeof(full), NULL) < 0 || stat(full, &st) < 0 ||
	    !S_ISREG(st.st_mode)) {
		jota_found(ret, JOTA_FAIL, JOTA_WHY_NO_MODULES,
			   "kernel %s runs, there is no '/lib/modules/%s/modules.dep'", release,
			   release);
		return;
	}
	if (all_loaded(run, ret))
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "kernel %s has its modules", release);
}

const struct jota_check_kind jota_kind_esrt = {
	.name = "esrt",
	.about = "version of the boot firmware, as UEFI tells it",
	.phases = JOTA_PHASES_ALL,
	.field = esrt_fields,
	.field_count = sizeof(esrt_fields) / sizeof(esrt_fields[0]),
	.conflict = esrt_conflict,
	.run = run_esrt,
};

const struct jota_check_kind jota_kind_kernel_modules = {
	.name = "kernel-modules",
	.about = "the modules of the running kernel are installed",
	.phases = JOTA_PHASES_ALL,
	.field = modules_fields,
	.field_count = sizeof(modules_fields) / sizeof(modules_fields[0]),
	.conflict = modules_conflict,
	.run = run_modules,
};
