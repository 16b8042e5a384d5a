/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
 *
 * A modelled device on plain files for the suites of this directory: two complete slots and the
 * factory environment made from boot/uboot/. The suites run in the top directory of the sources
 * (or set JOTA_SRC_DIR).
 */
#pragma once

#include "uboot_model.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define KERNEL_PART_BYTES 65536
#define COPY0 0x700000
#define COPY1 0x720000

static char dir[64];
static char joined[128];
static struct model_machine machine;
static char console[65536];

static inline void log_line(void *user, const char *line)
{
	(void)user;
	size_t used = strlen(console);

	(void)snprintf(console + used, sizeof(console) - used, "%s\n", line);
}

static inline const char *in_dir(const char *name)
{
	static char paths[4][192];
	static unsigned int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline void write_at(const char *path, uint64_t at_bytes, const void *data, size_t len_bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, len_bytes, (off_t)at_bytes), (ssize_t)len_bytes);
	ck_assert_int_eq(close(fd), 0);
}

/* The exit code of join-env.sh, whose output goes into the file joined. */
static inline int run_join_env(const char *option)
{
	const char *source = getenv("JOTA_SRC_DIR");
	char script[512];
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int status = -1;

	(void)snprintf(script, sizeof(script), "%s/boot/uboot/join-env.sh", source ? source : ".");
	char text[32];
	(void)snprintf(text, sizeof(text), "%s", option ? option : "");
	char *argv[] = { script, option ? text : NULL, NULL };
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, joined, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_msg(posix_spawn(&pid, script, &actions, NULL, argv, environ) == 0,
		      "cannot run '%s': start the test in the top directory", script);
	posix_spawn_file_actions_destroy(&actions);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static inline struct model_bootimg_spec kernel_spec(uint8_t seed)
{
	return (struct model_bootimg_spec){ .page_size_bytes = 2048,
					    .kernel_size_bytes = 20000,
					    .ramdisk_size_bytes = 3000,
					    .seed = seed,
					    .with_id = true,
					    .cmdline = "quiet" };
}

static inline void make_slot(const char *kernel, const char *root, uint8_t seed)
{
	struct model_bootimg_spec spec = kernel_spec(seed);

	ck_assert_int_eq(model_bootimg_write(in_dir(kernel), &spec), 0);
	ck_assert_int_eq(truncate(in_dir(kernel), KERNEL_PART_BYTES), 0);
	write_at(in_dir(root), 1024 + 56, "\x53\xef", 2);
	ck_assert_int_eq(truncate(in_dir(root), 8192), 0);
	ck_assert_int_eq(model_machine_add_part(&machine, kernel, in_dir(kernel)), 0);
	ck_assert_int_eq(model_machine_add_part(&machine, root, in_dir(root)), 0);
}

static inline void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%.40s/uboot-model-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(joined, sizeof(joined), "%s/joined.env", dir);
	ck_assert_int_eq(run_join_env(NULL), 0);
	model_machine_init(&machine, in_dir("disk"), joined);
	machine.log = log_line;
	console[0] = '\0';
	make_slot("A_kernel", "A_APP", 1);
	make_slot("B_kernel", "B_APP", 2);
	ck_assert_int_eq(model_env_init(&machine, joined), 0);
}

static inline void teardown(void)
{
	static const char *const names[] = { "disk",  "joined.env", "A_kernel", "B_kernel",
					     "A_APP", "B_APP",	    "image" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_dir(names[i]));
	ck_assert_int_eq(rmdir(dir), 0);
}

#define SET(...)                                                                                    \
	do {                                                                                        \
		const char *const list[] = { __VA_ARGS__ };                                         \
		ck_assert_int_eq(model_env_set(&machine, list, sizeof(list) / sizeof(list[0])), 0); \
	} while (0)

#define TRIAL_OF_B                                                                                 \
	"boot_slot=B", "slotA_ok=1", "slotB_ok=1", "upgrade_available=1", "bootcount=0",           \
		"update_target=B", "ustate=1"

static inline void erase_kernel(const char *name)
{
	static const char zeros[4096];

	write_at(in_dir(name), 0, zeros, sizeof(zeros));
}

static inline void break_copy(uint64_t offset_bytes)
{
	write_at(in_dir("disk"), offset_bytes + 0x100, "torn", 4);
}

static inline void expect_var(const char *name, const char *want)
{
	char value[256] = "";
	int ret = model_env_get(&machine, name, value, sizeof(value));

	if (want == NULL)
		ck_assert_int_eq(ret, -ENOENT);
	else
		ck_assert_str_eq(value, want);
}

static inline struct model_result expect_boot(char slot)
{
	struct model_result r;

	model_boot(&machine, &r);
	ck_assert_msg(r.outcome == MODEL_BOOTED, "%s: %s\n%s", model_outcome_name(r.outcome), r.why,
		      console);
	ck_assert_msg(r.slot == slot, "slot %c\n%s", r.slot, console);
	ck_assert_int_eq(r.kernel_part[0], slot);
	ck_assert_int_eq(r.root_part[0], slot);
	return r;
}

static inline enum model_outcome boot_outcome(void)
{
	struct model_result r;

	model_boot(&machine, &r);
	return r.outcome;
}

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
