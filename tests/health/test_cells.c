/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * Each kind of check in five situations: the thing is well, is not, does not answer, is garbage, vanishes meanwhile. After each run no
 * process and no descriptor is left (run_plan). With the argument --table it prints what it asks for, which is the table of docs/testing.md.
 *
 * Played by this file: a storage that never answers (open, stat, statvfs and setmntent of one path do not return), servers, a bus, and a swupdate
 * that is a script. Units of a real systemd and the real swupdate are asked in tests/tools/.
 */
#define _GNU_SOURCE
#include "health/cells_test.h"

#include "support/bootimg_make.h"
#include "support/signer.h"

/* What one kind needs in a situation; returns its check, without its name. */
struct kind_cells {
	const char *kind;
	const char *(*arrange)(enum situation s);
	struct want want[SITUATION_COUNT];
};

#define OK_HEAD "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define DOWN_HEAD "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
#define GARBAGE "\x16\x03\x01 garbage \xff\xfe\r\n\r\n"

static const char *mount_cell(enum situation s)
{
	make_dir("/data", 0755);
	make_dir("/proc", 0755);
	make_dir("/proc/self", 0755);
	scratch_text(&scratch, "/proc/self/mounts",
		     s == IS_GARBAGE ? "\xff\xfe /data\ngarbage\n" :
		     s == IS_BAD     ? "/dev/a /data ext4 ro 0 0\n" :
				       "/dev/a /data ext4 rw 0 0\n");
	hang_if(s, "/proc/self/mounts");
	vanish_by(s, ": >\"$root/proc/self/mounts\"");
	return "kind = \"mount\"; path = \"/data\"; ";
}

static const char *space_cell(enum situation s)
{
	if (s == IS_GARBAGE)
		link_to("/data", "nowhere");
	else
		make_dir("/data", 0755);
	hang_if(s, "/data");
	vanish_by(s, "rmdir \"$root/data\"");
	return s == IS_BAD ? "kind = \"space\"; path = \"/data\"; min_mib = 2147483647; " :
			     "kind = \"space\"; path = \"/data\"; min_mib = 1; ";
}

static const char *device_cell(enum situation s)
{
	make_dir("/dev", 0755);
	if (s == IS_GARBAGE)
		scratch_text(&scratch, "/dev/camera", "garbage");
	else if (s != IS_BAD)
		link_to("/dev/camera", "/dev/null");
	hang_if(s, "/dev/camera");
	vanish_by(s, "rm \"$root/dev/camera\"");
	return "kind = \"device\"; path = \"/dev/camera\"; open = true; ";
}

static const char *file_cell(enum situation s)
{
	scratch_text(&scratch, "/etc/it",
		     s == IS_BAD     ? "busy\n" :
		     s == IS_GARBAGE ? "\x1b[2J\xff\n" :
				       "ready\n");
	hang_if(s, "/etc/it");
	vanish_by(s, "rm \"$root/etc/it\"");
	return "kind = \"file\"; path = \"/etc/it\"; equals = \"ready\"; ";
}

#define ESRT "/sys/firmware/efi/esrt"
static const char *esrt_cell(enum situation s)
{
	static const char *const dirs[] = { "/sys", "/sys/firmware", "/sys/firmware/efi", ESRT,
					    ESRT "/entries" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i], 0755);
	scratch_text(&scratch, ESRT "/entries/entry0/fw_class",
		     "bf0d4599-20d4-414e-b2c5-3595b1cda402\n");
	scratch_text(&scratch, ESRT "/entries/entry0/fw_version",
		     s == IS_GARBAGE ? "soon\n" :
		     s == IS_BAD     ? "2360322\n" :
				       "2360323\n");
	scratch_text(&scratch, ESRT "/entries/entry0/last_attempt_version", "2360323\n");
	scratch_text(&scratch, ESRT "/entries/entry0/last_attempt_status", "0\n");
	hang_if(s, ESRT "/entries/entry0/fw_version");
	vanish_by(s, "rm -r \"$root" ESRT "\"");
	return "kind = \"esrt\"; min_version = \"36.4.3\"; ";
}

#define MODULES "/lib/modules/5.15.148-tegra"
static const char *kernel_modules_cell(enum situation s)
{
	static const char *const dirs[] = { "/proc", "/proc/sys", "/lib", "/lib/modules", MODULES };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(dirs[i], 0755);
	scratch_text(&scratch, "/proc/sys/kernel/osrelease",
		     s == IS_GARBAGE ? "../../etc\n" : "5.15.148-tegra\n");
	if (s != IS_BAD)
		scratch_text(&scratch, MODULES "/modules.dep", "");
	hang_if(s, "osrelease");
	vanish_by(s, "rm \"$root" MODULES "/modules.dep\"");
	return "kind = \"kernel-modules\"; ";
}

static const char *command_cell(enum situation s)
{
	if (s == IS_GARBAGE)
		garbage_program("/opt/it");
	else
		script("/opt/it", s == IS_BAD	 ? "echo no GPU; exit 3" :
				  s == IS_SILENT ? "exec sleep 60" :
						   "echo ready");
	vanish_by(s, "rm \"$root/opt/it\"");
	return "kind = \"command\"; argv = [ \"/opt/it\" ]; ";
}

static const char *http_cell(enum situation s)
{
	serve_cell(s, OK_HEAD "ready\n", DOWN_HEAD, GARBAGE);
	return with_port("kind = \"http\"; url = \"http://127.0.0.1:%u/\"; contains = \"ready\"; ");
}

static const char *tcp_cell(enum situation s)
{
	if (s == IS_SILENT)
		fill_queue();
	else
		serve_cell(s, "hello\n", NULL, GARBAGE);
	return with_port("kind = \"tcp\"; host = \"127.0.0.1\"; port = %u; ");
}

static const char *update_server_cell(enum situation s)
{
	serve_cell(s, OK_HEAD, DOWN_HEAD, GARBAGE);
	return with_port("kind = \"update-server\"; url = \"http://127.0.0.1:%u/\"; ");
}

static const char *update_path_cell(enum situation s)
{
	if (s == IS_GARBAGE)
		garbage_program("/opt/swupdate");
	else
		script("/opt/swupdate", s == IS_BAD    ? "echo '[ERROR] : no trust'; exit 1" :
					s == IS_SILENT ? "exec sleep 60" :
							 "echo '[INFO ] : good'");
	scratch_text(&scratch, "/etc/sample.swu", "sample");
	vanish_by(s, "rm \"$root/etc/sample.swu\"");
	return "kind = \"update-path\"; program = \"/opt/swupdate\"; sample = \"/etc/sample.swu\"; ";
}

/* A good unit, a bad one and one that stops need a real systemd: test_jetson_health_systemd.py. */
static const char *systemd_cell(enum situation s)
{
	if (s != IS_SILENT && s != IS_GARBAGE)
		return NULL;
	serve_bus(s == IS_GARBAGE ? "garbage without an end\r\n" : NULL);
	return "kind = \"systemd-unit\"; unit = \"app.service\"; ";
}

/* The new slot: a tree in which nothing is wrong, packed as ext4, and what the situation does to it. */

static struct signer ours;

static void add_update(void)
{
	static const char text[] = "software = { version = \"2\"; };";
	char full[PATH_MAX];
	size_t bytes = 0;
	const struct signer *by = &ours;
	uint8_t *cms = signer_cms(&by, 1, NULL, text, sizeof(text) - 1, &bytes);

	scratch_text(&scratch, "/update/sw-description", text);
	scratch_write(&scratch, "/update/sw-description.sig", cms, bytes);
	free(cms);
	in_tree("/etc/ca.pem", full);
	signer_write_ca(&ours, full);
}

static void add_boot_image(const char *cmdline, bool garbage)
{
	static const char banner[] = "Linux version 5.15.148-tegra (x) #1\n";
	const struct bootimg_spec spec = { .kernel_bytes = 8192, .cmdline = cmdline };
	size_t bytes = 0;
	uint8_t *image_bytes = bootimg_make(&spec, &bytes);

	memcpy(image_bytes + 2048 + 4096, banner, sizeof(banner));
	if (garbage)
		memset(image_bytes, 0x5a, bytes);
	scratch_write(&scratch, "/images/boot.img", image_bytes, bytes);
	free(image_bytes);
}

/* What is wrong in situation IS_BAD: the tree has it left out, or other. */
enum defect {
	NO_INIT = 1,
	OTHER_ID,
	NO_MODULES,
	NO_UNIT,
	NO_ANCHOR_FILE,
	BAD_CONF,
	BAD_STATE,
	FIXED_ROOT
};

static void add_tree(enum defect defect)
{
	if (defect != NO_INIT)
		add_elf("/sbin/init", HERE, NULL);
	add("/etc/os-release", defect == OTHER_ID ? "ID=other\n" : "ID=demo\n", 0644);
	if (defect != NO_MODULES)
		add(MODULES "/modules.dep", "", 0644);
	if (defect != NO_UNIT)
		add("/usr/lib/systemd/system/app.service", "[Service]\nExecStart=/sbin/init\n",
		    0644);
	add_link("/etc/systemd/system/multi-user.target.wants/app.service",
		 "/usr/lib/systemd/system/app.service");
	add("/etc/swupdate-jetson/health.conf",
	    defect == BAD_CONF ? "checks = ( { name = \"x\"; } );" :
				 "checks = ( { name = \"k\"; kind = \"kernel-modules\"; } );",
	    0644);
}

static const char *new_cell(enum situation s, enum defect defect, const char *check)
{
	uint8_t noise[8192];
	char full[PATH_MAX];

	defect = s == IS_BAD ? defect : 0;
	signer_make(&ours, NULL);
	make_dir("/etc", 0755);
	scratch_text(&scratch, "/etc/os-release", "ID=demo\n");
	add_tree(defect);
	add_update();
	if (defect == NO_ANCHOR_FILE) {
		struct signer other;

		in_tree("/etc/ca.pem", full);
		signer_make(&other, NULL);
		signer_write_ca(&other, full);
		signer_done(&other);
	}
	signer_done(&ours);
	pack();
	memset(noise, 0x5a, sizeof(noise));
	if (s == IS_GARBAGE)
		patch(0, noise, sizeof(noise));
	if (defect == BAD_STATE)
		patch(1024 + 58, "\2\0", 2); /* s_state: has errors */
	add_boot_image(defect == FIXED_ROOT ? "quiet root=/dev/mmcblk0p1" : "quiet",
		       s == IS_GARBAGE);
	vanish_by(s, "rm \"$root/image\" \"$root/images/boot.img\"");
	return check;
}

#define NEW_CELL(function, defect, hangs, check)                                                   \
	static const char *function(enum situation s)                                              \
	{                                                                                          \
		hang_if(s, hangs);                                                                 \
		return new_cell(s, defect, check);                                                 \
	}

NEW_CELL(new_filesystem_cell, BAD_STATE, "/image", "kind = \"new-filesystem\"; ")
NEW_CELL(new_init_cell, NO_INIT, "/image", "kind = \"new-init\"; ")
NEW_CELL(new_release_cell, OTHER_ID, "/image", "kind = \"new-release\"; ")
NEW_CELL(new_modules_cell, NO_MODULES, "/images/boot.img", "kind = \"new-modules\"; ")
NEW_CELL(new_command_line_cell, FIXED_ROOT, "/images/boot.img", "kind = \"new-command-line\"; ")
NEW_CELL(new_units_cell, NO_UNIT, "/image", "kind = \"new-units\"; units = [ \"app.service\" ]; ")
NEW_CELL(new_anchor_cell, NO_ANCHOR_FILE, "/image",
	 "kind = \"new-anchor\"; anchor = \"/etc/ca.pem\"; ")
NEW_CELL(new_health_cell, BAD_CONF, "/image", "kind = \"new-health\"; ")

#define PASSED                                                                                     \
	{                                                                                          \
		JOTA_PASS, JOTA_WHY_OK                                                             \
	}
#define LATE                                                                                       \
	{                                                                                          \
		JOTA_TIMEOUT, JOTA_WHY_DEADLINE                                                    \
	}
#define FAILED(reason)                                                                             \
	{                                                                                          \
		JOTA_FAIL, JOTA_WHY_##reason                                                       \
	}
#define NOT_DONE(reason)                                                                           \
	{                                                                                          \
		JOTA_ERROR, JOTA_WHY_##reason                                                      \
	}
/* clang-format off */
static const struct kind_cells cells[] = {
	/* kind, how, { well, bad, silent, garbage, vanishes } */
	{ "systemd-unit", systemd_cell,
	  { { 0 }, { 0 }, LATE, NOT_DONE(NO_BUS), { 0 } } },
	{ "command", command_cell,
	  { PASSED, FAILED(EXIT_STATUS), LATE, NOT_DONE(NO_PROGRAM), FAILED(NO_PROGRAM) } },
	{ "http", http_cell,
	  { PASSED, FAILED(HTTP_STATUS), LATE, FAILED(BAD_ANSWER), FAILED(CONNECT) } },
	/* It asks only whether somebody listens. */
	{ "tcp", tcp_cell, { PASSED, FAILED(CONNECT), LATE, PASSED, FAILED(CONNECT) } },
	{ "mount", mount_cell,
	  { PASSED, FAILED(READ_ONLY), LATE, FAILED(NOT_MOUNTED), FAILED(NOT_MOUNTED) } },
	{ "space", space_cell,
	  { PASSED, FAILED(SPACE), LATE, FAILED(MISSING), FAILED(MISSING) } },
	{ "device", device_cell,
	  { PASSED, FAILED(MISSING), LATE, FAILED(WRONG_TYPE), FAILED(MISSING) } },
	{ "file", file_cell,
	  { PASSED, FAILED(CONTENT), LATE, FAILED(CONTENT), FAILED(MISSING) } },
	{ "esrt", esrt_cell,
	  { PASSED, FAILED(TOO_OLD), LATE, FAILED(BAD_ANSWER), FAILED(NO_ESRT) } },
	{ "kernel-modules", kernel_modules_cell,
	  { PASSED, FAILED(NO_MODULES), LATE, NOT_DONE(INTERNAL), FAILED(NO_MODULES) } },
	{ "update-path", update_path_cell,
	  { PASSED, FAILED(SAMPLE), LATE, NOT_DONE(NO_PROGRAM), FAILED(MISSING) } },
	{ "update-server", update_server_cell,
	  { PASSED, FAILED(HTTP_STATUS), LATE, FAILED(BAD_ANSWER), FAILED(CONNECT) } },
	{ "new-filesystem", new_filesystem_cell,
	  { PASSED, FAILED(FILESYSTEM), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
	{ "new-init", new_init_cell,
	  { PASSED, FAILED(NEW_PROGRAM), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
	{ "new-release", new_release_cell,
	  { PASSED, FAILED(OTHER_SYSTEM), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
	{ "new-modules", new_modules_cell,
	  { PASSED, FAILED(MODULES_DIFFER), LATE, FAILED(KERNEL_UNKNOWN), FAILED(KERNEL_UNKNOWN) } },
	{ "new-command-line", new_command_line_cell,
	  { PASSED, FAILED(FIXED_ROOT), LATE, FAILED(KERNEL_UNKNOWN), FAILED(KERNEL_UNKNOWN) } },
	{ "new-units", new_units_cell,
	  { PASSED, FAILED(NO_UNIT), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
	{ "new-anchor", new_anchor_cell,
	  { PASSED, FAILED(ANCHOR_REFUSES), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
	{ "new-health", new_health_cell,
	  { PASSED, FAILED(CONFIGURATION), LATE, FAILED(FILESYSTEM), FAILED(FILESYSTEM) } },
};
/* clang-format on */
#define KIND_COUNT ((int)(sizeof(cells) / sizeof(cells[0])))

static void run_cell(const struct kind_cells *kind, enum situation s)
{
	const struct want *want = &kind->want[s];
	const char *check = kind->arrange(s);
	const struct jota_result *r;

	if (!check)
		return;
	r = run_in(s, check, strncmp(kind->kind, "new-", 4) == 0);
	ck_assert_msg(r->status == want->status && r->reason == want->reason, "%s, %s: %s %s '%s'",
		      kind->kind, situation_names[s], jota_status_name(r->status),
		      jota_reason_word(r->reason), r->message);
	/* One printable line; what passes needs no sentence. */
	ck_assert(r->status == JOTA_PASS || r->message[0] != '\0');
}

START_TEST(each_kind_tells_each_situation_and_leaves_nothing_behind)
{
	run_cell(&cells[_i / SITUATION_COUNT], (enum situation)(_i % SITUATION_COUNT));
}
END_TEST

START_TEST(no_kind_is_missing_here)
{
	for (size_t i = 0; jota_kind_at(i); i++) {
		bool found = false;

		for (int k = 0; k < KIND_COUNT; k++)
			found |= strcmp(cells[k].kind, jota_kind_at(i)->name) == 0;
		ck_assert_msg(found, "kind %s has no row", jota_kind_at(i)->name);
	}
}
END_TEST

static void show_cell(const struct kind_cells *kind, enum situation s)
{
	const struct want *want = &kind->want[s];
	bool elsewhere = kind->arrange == systemd_cell && s != IS_SILENT && s != IS_GARBAGE;
	char text[64];

	(void)snprintf(text, sizeof(text), "%s%s%s", elsewhere ? "" : jota_status_name(want->status),
		       want->reason == JOTA_WHY_OK ? "" : ": ",
		       elsewhere		   ? "real systemd" :
		       want->reason == JOTA_WHY_OK ? "" :
						     jota_reason_word(want->reason));
	(void)printf(s + 1 == SITUATION_COUNT ? "%s" : "%-27s", text);
}

static int show_table(void)
{
	(void)printf("%-18s", "kind");
	for (int s = 0; s < SITUATION_COUNT; s++)
		(void)printf(s + 1 == SITUATION_COUNT ? "%s\n" : "%-27s", situation_names[s]);
	for (int k = 0; k < KIND_COUNT; k++) {
		(void)printf("%-18s", cells[k].kind);
		for (int s = 0; s < SITUATION_COUNT; s++)
			show_cell(&cells[k], (enum situation)s);
		(void)printf("\n");
	}
	return ferror(stdout) != 0;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("cells");
	TCase *tcase = tcase_create("cells");

	if (argc == 2 && strcmp(argv[1], "--table") == 0)
		return show_table();
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, cell_teardown);
	tcase_add_loop_test(tcase, each_kind_tells_each_situation_and_leaves_nothing_behind, 0,
			    KIND_COUNT * SITUATION_COUNT);
	tcase_add_test(tcase, no_kind_is_missing_here);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
