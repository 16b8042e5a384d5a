/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Would the new slot's jetson-health take the new slot's health.conf? If not, the trial could only end with a rollback: better told now
 * than in the first bad night.
 *
 *  health.conf of the new root            its jetson-health     verdict
 *  absent, jetson-health.service enabled  any                   refused: it would confirm nothing
 *  absent, not enabled                    any                   nobody asks for it
 *  belongs to others, or wrong            any                   refused
 *  has words that are not known here      the same as here      refused
 *  has words that are not known here      another one           cannot be told here
 */
#include "health/new_check.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/io.h"
#include "health/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_BYTES_MAX (256u * 1024u)
#define CONF_DIR "/etc/swupdate-jetson"
#define PROGRAM "/usr/sbin/jetson-health"
#define PROGRAM_BYTES_MAX (64ull << 20)
#define UNIT "jetson-health.service"

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

/* As plan.c asks it of the file that is there after the boot. */
static int check_owner(const struct jota_check_run *run, const struct jota_newroot *root,
		       const char *path, mode_t kind, struct jota_err *err)
{
	struct jota_newroot_node node;
	int r = jota_newroot_stat(root, path, false, &node, err);

	if (r < 0)
		return r;
	if ((node.mode & S_IFMT) != kind)
		return jota_fail(err, EPERM, "'%s' of the new root is no %s.", path,
				 kind == S_IFDIR ? "directory" : "regular file");
	if (node.uid != 0 && (jota_io_is_real_root(run->io) || node.uid != geteuid()))
		return jota_fail(err, EPERM, "'%s' of the new root belongs to user %u, not to root.",
				 path, (unsigned)node.uid);
	if (node.mode & (S_IWGRP | S_IWOTH))
		return jota_fail(err, EPERM,
				 "'%s' of the new root has mode %04o, others could change it.",
				 path, (unsigned)(node.mode & 07777));
	return 0;
}

static int read_plan(const struct jota_check_run *run, const struct jota_newroot *root,
		     size_t *ret_count, struct jota_err *err)
{
	CLEANUP_FREE char *text = NULL;
	struct jota_plan plan = { 0 };
	int r = check_owner(run, root, CONF_DIR, S_IFDIR, err);

	if (r == 0)
		r = check_owner(run, root, JOTA_HEALTH_CONF, S_IFREG, err);
	if (r == 0)
		r = jota_newroot_text(root, JOTA_HEALTH_CONF, CONF_BYTES_MAX, &text, err);
	if (r == 0)
		r = jota_plan_parse(JOTA_HEALTH_CONF, text, &plan, err);
	*ret_count = plan.count;
	jota_plan_done(&plan);
	return r;
}

/* Unknown counts as another one. */
static bool is_same_program(const struct jota_newroot *root, const struct jota_newroot *here)
{
	struct jota_newroot_node a, b;
	char left[4096], right[sizeof(left)];
	size_t left_bytes = 0, right_bytes = 0;

	if (jota_newroot_stat(root, PROGRAM, true, &a, NULL) < 0 ||
	    jota_newroot_stat(here, PROGRAM, true, &b, NULL) < 0 || a.size_bytes != b.size_bytes ||
	    a.size_bytes > PROGRAM_BYTES_MAX)
		return false;
	for (uint64_t at = 0; at < a.size_bytes; at += left_bytes) {
		if (jota_newroot_read(root, PROGRAM, at, left, sizeof(left), &left_bytes, NULL) <
			    0 ||
		    jota_newroot_read(here, PROGRAM, at, right, sizeof(right), &right_bytes, NULL) <
			    0 ||
		    left_bytes == 0 || left_bytes != right_bytes ||
		    memcmp(left, right, left_bytes) != 0)
			return false;
	}
	return true;
}

static void judge_absence(const struct jota_newroot *root, struct jota_finding *ret)
{
	struct jota_err err = { 0 };
	int r = jota_new_unit_enabled(root, UNIT, &err);

	if (r < 0)
		jota_found(ret, JOTA_FAIL, JOTA_WHY_FILESYSTEM, "%s", err.msg);
	else if (r > 0)
		jota_found(
			ret, JOTA_FAIL, JOTA_WHY_MISSING,
			"the new root has no '%s', but its %s is enabled: it would confirm nothing",
			JOTA_HEALTH_CONF, UNIT);
	else
		jota_new_not_looked_at(ret, "no '%s', and no %s that asks for it", JOTA_HEALTH_CONF,
				       UNIT);
}

static void judge(const struct jota_check_run *run, const struct jota_newroot *root,
		  const struct jota_newroot *here, struct jota_finding *ret)
{
	struct jota_err err = { 0 };
	size_t count = 0;
	int r = read_plan(run, root, &count, &err);

	if (r == 0)
		jota_found(ret, JOTA_PASS, JOTA_WHY_OK, "%zu checks", count);
	else if (is_absent(r))
		judge_absence(root, ret);
	else if (r == -ENOTSUP && !is_same_program(root, here))
		jota_new_not_looked_at(ret, "another jetson-health, which may know more: %s",
				       err.msg);
	else
		jota_found(ret, JOTA_FAIL,
			   r == -EUCLEAN ? JOTA_WHY_FILESYSTEM : JOTA_WHY_CONFIGURATION,
			   "the new slot could not be judged: %s", err.msg);
}

static void run_health(const struct jota_check_run *run, struct jota_finding *ret)
{
	struct jota_newroot *root = jota_new_open(run, ret);
	struct jota_newroot *here = root ? jota_new_open_running(run, ret) : NULL;

	if (root && here)
		judge(run, root, here, ret);
	jota_newroot_free(here);
	jota_newroot_free(root);
}

const struct jota_check_kind jota_kind_new_health = {
	.name = "new-health",
	.about = "the new root's health.conf is there if its checks are, and without an error",
	.phases = 1u << JOTA_PHASE_PREFLIP,
	.run = run_health,
};
