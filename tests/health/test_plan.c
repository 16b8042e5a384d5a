/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* health.conf: what is taken, and one sentence with file and line for what is not. */
#include "health/health_test.h"

#include "health/version.h"

#include <stdlib.h>

#define OK "{ name = \"ok\"; kind = \"mount\"; path = \"/data\"; }"

START_TEST(defaults_are_as_documented)
{
	struct jota_plan plan;
	const struct jota_check *check;

	plan_from("", OK, &plan);
	ck_assert_uint_eq(plan.deadline_ms, 300000);
	ck_assert_uint_eq(plan.stability_ms, 30000);
	ck_assert_str_eq(plan.data_dir, "/data/swupdate-jetson");
	ck_assert_uint_eq(plan.count, 1);
	check = jota_plan_find(&plan, "ok");
	ck_assert_ptr_eq(check, &plan.check[0]);
	ck_assert_ptr_null(jota_plan_find(&plan, "other"));
	ck_assert_ptr_eq(check->kind, &jota_kind_mount);
	ck_assert_uint_eq(check->phases, 1u << JOTA_PHASE_POSTBOOT);
	ck_assert_int_eq(check->severity, JOTA_CRITICAL);
	ck_assert_uint_eq(check->deadline_ms, 10000);
	ck_assert_uint_eq(check->retries, 0);
	ck_assert_uint_eq(check->interval_ms, 2000);
	ck_assert(!check->baseline && !check->once);
	ck_assert_int_eq(check->value[1].number, 1); /* writable */
	jota_plan_done(&plan);
}
END_TEST

START_TEST(everything_that_can_be_said_is_taken)
{
	const struct jota_check *check;
	struct jota_plan plan;

	plan_from(
		"deadline_s = 60; stability_s = 2.5; data_dir = \"/var/lib/x\";",
		"{ kind = \"command\"; argv = ( \"/bin/a\", \"b c\" ); user = \"u\"; groups = [ \"video\" ];"
		" phase = ( \"preflip\", \"postboot\" ); severity = \"warning\"; deadline_s = 0.25;"
		" retries = 3; interval_s = 1; baseline = true; once = true; name = \"A.b_c-9\"; }," OK,
		&plan);
	ck_assert_uint_eq(plan.deadline_ms, 60000);
	ck_assert_uint_eq(plan.stability_ms, 2500);
	ck_assert_str_eq(plan.data_dir, "/var/lib/x");
	check = jota_plan_find(&plan, "A.b_c-9");
	ck_assert_ptr_nonnull(check);
	ck_assert_uint_eq(check->phases, 1u << JOTA_PHASE_PREFLIP | 1u << JOTA_PHASE_POSTBOOT);
	ck_assert_int_eq(check->severity, JOTA_WARNING);
	ck_assert_uint_eq(check->deadline_ms, 250);
	ck_assert_uint_eq(check->retries, 3);
	ck_assert_uint_eq(check->interval_ms, 1000);
	ck_assert(check->baseline && check->once);
	ck_assert_str_eq(check->value[0].list[1], "b c");
	ck_assert_ptr_null(check->value[0].list[2]);
	jota_plan_done(&plan);
}
END_TEST

/* An own entry may be wrong in the second line of the file. */
#define CHECK(fields) "checks = (" OK ",\n{ name = \"x\"; " fields " });"
#define KIND(name, fields) CHECK("kind = \"" name "\"; " fields)
#define MOUNT(fields) KIND("mount", "path = \"/data\"; " fields)

static const struct {
	const char *text, *words;
} refusals[] = {
	{ "checks = (\n" OK " }", "line 2: syntax error" },
	{ "colour = 1;", "line 1: key 'colour' is not known, there are: deadline_s" },
	{ "deadline_s = -1;", "line 1: deadline_s is -1, expected 5 to 7200" },
	{ "deadline_s = 1e99;", "deadline_s is 1e+99" },
	{ "deadline_s = \"long\";", "deadline_s must be a number of seconds" },
	{ "deadline_s = 30; stability_s = 30; checks = (" OK ");", "leaves nothing of deadline_s" },
	{ "stability_s = -0.5;", "stability_s is -0.5" },
	{ "data_dir = \"data\";", "data_dir 'data' is no absolute path" },
	{ "data_dir = \"/data/../etc\";", "is no absolute path" },
	{ "data_dir = 7;", "data_dir must be a text" },
	{ "baseline_required = 1;", "baseline_required must be true or false" },
	{ "checks = [ 1, 2 ];", "checks must be a list" },
	{ "checks = ( 1 );", "each entry of checks must be a group" },
	{ "", "no check is critical and runs after the reboot" },
	{ "checks = ();", "every image would be confirmed" },
	{ "checks = ({ name = \"w\"; severity = \"warning\"; kind = \"mount\"; path = \"/\"; });",
	  "every image would be confirmed" },
	{ "checks = ({ name = \"p\"; phase = \"preflip\"; kind = \"mount\"; path = \"/\"; });",
	  "every image would be confirmed" },
	{ "checks = ({ kind = \"mount\"; });", "line 1: field 'name' is missing" },
	{ "checks = ({ name = \"a b\"; kind = \"mount\"; });", "name 'a b' may have letters" },
	{ "checks = ({ name = \"-a\"; kind = \"mount\"; });", "must not start with '-'" },
	{ "checks = ({ name = \"\"; kind = \"mount\"; });", "name is empty" },
	{ "checks = ({ name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; });",
	  "name has 48 characters, at most 47" },
	{ CHECK(""), "line 2: check 'x': field 'kind' is missing" },
	{ CHECK("kind = \"ping\";"),
	  "kind 'ping' is not known, there are: systemd-unit, command, http, tcp, mount, space, device, "
	  "file, esrt, kernel-modules, update-path, update-server, new-filesystem, new-init, new-release, "
	  "new-modules, new-command-line, new-units, new-anchor, new-health." },
	{ CHECK("kind = 3;"), "kind must be a text in quotes" },
	{ KIND("mount", ""), "line 2: check 'x': field 'path' is missing, kind 'mount' needs it" },
	{ "checks = (" OK ",\n" OK ");", "line 2: check 'ok' stands in line 1 already" },
	{ MOUNT("colour = 1;"),
	  "field 'colour' is not known, a check of kind 'mount' has: name, kind" },
	{ MOUNT("path = \"/x\";"), "duplicate setting name" },
	{ MOUNT("phase = \"boot\";"), "phase 'boot' is not known" },
	{ MOUNT("phase = \"baseline\";"), "phase 'baseline' is not known" },
	{ MOUNT("phase = 1;"), "phase '' is not known" },
	{ MOUNT("phase = ();"), "phase is an empty list" },
	{ MOUNT("severity = \"fatal\";"),
	  "severity is 'fatal', expected \"critical\" or \"warning\"" },
	{ MOUNT("deadline_s = -5;"), "line 2: check 'x': deadline_s is -5, expected 0.1 to 3600" },
	{ MOUNT("deadline_s = 0;"), "deadline_s is 0," },
	{ MOUNT("deadline_s = 3000;"), "more than that of the whole run, 300" },
	{ MOUNT("retries = -1;"), "retries is -1, expected 0 to 1000" },
	{ MOUNT("retries = 1.5;"), "retries must be a whole number" },
	{ MOUNT("interval_s = 601;"), "interval_s is 601" },
	{ MOUNT("baseline = 1;"), "baseline must be true or false" },
	{ MOUNT("phase = \"preflip\"; baseline = true;"), "baseline is for phase postboot" },
	{ MOUNT("writable = false; write_test = true;"), "write_test cannot be done" },
	{ KIND("mount", "path = \"data\";"), "path 'data' is no absolute path" },
	{ KIND("mount", "path = \"/data/../x\";"), "is no absolute path without '..'" },
	{ KIND("mount", "path = \"/a\\x01\";"), "path must be printable" },
	{ KIND("command", "argv = \"/bin/true\";"), "argv must be a list of texts" },
	{ KIND("command", "argv = [];"), "argv has 0 entries" },
	{ KIND("command", "argv = [ 1 ];"), "argv must be a text" },
	{ KIND("command", "argv = [ \"true\" ];"), "argv must begin with the absolute path" },
	{ KIND("command", "argv = [ \"/a\" ]; groups = [ \"video\" ];"), "groups is given" },
	{ KIND("http", "url = \"ftp://h/\";"), "url must begin with http" },
	{ KIND("http", "url = \"file:///etc/passwd\";"), "url must begin with http" },
	{ KIND("http", "url = \"http://\";"), "name a host" },
	{ KIND("http", "url = \"http://h\"; status = 99;"), "status is 99, expected 100 to 599" },
	{ KIND("http", "url = \"http://h\"; matches = \"a(\";"),
	  "matches 'a(' is no regular expression" },
	{ KIND("http", "url = \"http://h\"; matches = \"a{255}{255}{255}\";"),
	  "has 3 repeat counts in braces, at most 2" },
	{ KIND("http", "url = \"http://h\"; max_bytes = 99999999999L;"),
	  "max_bytes is 99999999999" },
	{ KIND("tcp", "host = \"h\"; port = 65536;"), "port is 65536" },
	{ KIND("space", "path = \"/\";"), "one of min_mib" },
	{ KIND("space", "path = \"/\"; min_percent = 101;"), "min_percent is 101" },
	{ KIND("device", "path = \"/dev/x\"; type = \"pipe\";"),
	  "type is 'pipe', expected one of: char, block" },
	{ KIND("file", "path = \"/x\"; min_version = \"new\";"), "must begin with a number" },
	{ KIND("file", "path = \"/x\"; min_version = \"2\"; max_version = \"1.9\";"),
	  "min_version is above" },
	{ KIND("esrt", "min_version = \"36.4.3.1\";"), "must be as 36.4.3" },
	{ KIND("esrt", "version = \"1.256\";"), "must be as 36.4.3" },
	{ KIND("kernel-modules", "loaded = [ \"../x\" ];"), "names of modules" },
	{ KIND("systemd-unit", "unit = \"app\";"), "unit needs its suffix" },
	{ KIND("systemd-unit", "unit = \"a b.service\";"), "no name of a systemd unit" },
	{ KIND("systemd-unit", "unit = \"a.service\"; phase = \"preflip\";"),
	  "cannot run in phase preflip" },
	{ KIND("update-path", ""), "field 'sample' is missing" },
	{ KIND("update-server", "url = \"h\";"), "url must begin with http" },
	{ "a = 1;\n  @include \"/etc/passwd\"\n", "line 2: @include is not allowed" },
};
#define REFUSAL_COUNT ((int)(sizeof(refusals) / sizeof(refusals[0])))

START_TEST(what_is_wrong_is_refused_in_one_sentence_with_its_place)
{
	struct jota_err err = { 0 };
	struct jota_plan plan;

	ck_assert_int_eq(jota_plan_parse("health.conf", refusals[_i].text, &plan, &err),
			 strstr(refusals[_i].words, "is not known") ? -ENOTSUP : -EINVAL);
	ck_assert_msg(strstr(err.msg, refusals[_i].words), "%s\nsaid: %s", refusals[_i].text,
		      err.msg);
	ck_assert_int_eq(strncmp(err.msg, "health.conf", 11), 0);
	ck_assert_int_eq(err.msg[strlen(err.msg) - 1], '.');
}
END_TEST

START_TEST(more_checks_than_fit_are_refused)
{
	size_t room = 65536, used = 0;
	char *text = malloc(room);
	struct jota_err err = { 0 };
	struct jota_plan plan;

	ck_assert_ptr_nonnull(text);
	used = (size_t)snprintf(text, room, "checks = (");
	for (int i = 0; i <= JOTA_CHECKS_MAX; i++)
		used += (size_t)snprintf(text + used, room - used,
					 "%s{ name = \"c%d\"; kind = \"mount\"; path = \"/\"; }",
					 i ? "," : "", i);
	(void)snprintf(text + used, room - used, ");");
	ck_assert_int_eq(jota_plan_parse("c", text, &plan, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "65 checks, at most 64"));
	free(text);
}
END_TEST

static void conf(const char *text, mode_t file_mode, mode_t dir_mode)
{
	char full[PATH_MAX];

	make_dir("/etc", 0755);
	make_dir("/etc/swupdate-jetson", 0755);
	scratch_text(&scratch, JOTA_HEALTH_CONF, text);
	scratch_path(&scratch, JOTA_HEALTH_CONF, full);
	ck_assert_int_eq(chmod(full, file_mode), 0);
	scratch_path(&scratch, "/etc/swupdate-jetson", full);
	ck_assert_int_eq(chmod(full, dir_mode), 0);
}

static void ck_file(int want, const char *words)
{
	struct jota_err err = { 0 };
	struct jota_plan plan;
	size_t before = open_files();
	int r = jota_plan_read(&scratch.io, JOTA_HEALTH_CONF, &plan, &err);

	ck_assert_msg(r == want && (r == 0 || strstr(err.msg, words)), "%d %s", r, err.msg);
	if (r == 0)
		jota_plan_done(&plan);
	ck_assert_uint_eq(open_files(), before);
}

START_TEST(a_file_of_its_owner_alone_is_read)
{
	conf("checks = (" OK ");", 0644, 0755);
	ck_file(0, "");
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused)
{
	conf("checks = (" OK ");", 0664, 0755);
	ck_file(-EPERM, "has mode 0664, others than its owner could change what is checked");
}
END_TEST

START_TEST(a_directory_that_others_may_write_is_refused)
{
	conf("checks = (" OK ");", 0644, 0777);
	ck_file(-EPERM, "'/etc/swupdate-jetson' has mode 0777");
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused)
{
	char full[PATH_MAX];

	conf("checks = (" OK ");", 0644, 0755);
	scratch_path(&scratch, JOTA_HEALTH_CONF, full);
	if (geteuid() != 0)
		return; /* only root can give a file away */
	ck_assert_int_eq(chown(full, 12345, 0), 0);
	ck_file(-EPERM, "belongs to user 12345");
}
END_TEST

START_TEST(what_is_no_plain_file_is_refused)
{
	char full[PATH_MAX];

	ck_file(-ENOENT, "swupdate-jetson");
	conf("", 0644, 0755);
	scratch_path(&scratch, JOTA_HEALTH_CONF, full);
	ck_assert_int_eq(unlink(full), 0);
	ck_file(-ENOENT, "health.conf");
	ck_assert_int_eq(mkfifo(full, 0644), 0);
	ck_file(-EPERM, "is no regular file");
	ck_assert_int_eq(unlink(full), 0);
	ck_assert_int_eq(symlink("/etc/passwd", full), 0);
	ck_file(-ELOOP, "health.conf");
	ck_assert_int_eq(unlink(full), 0);
	scratch_write(&scratch, JOTA_HEALTH_CONF, "a\0b", 3);
	ck_file(-EINVAL, "NUL byte at 1");
}
END_TEST

START_TEST(every_kind_is_described_and_fits)
{
	for (size_t i = 0; jota_kind_at(i); i++) {
		const struct jota_check_kind *kind = jota_kind_at(i);

		ck_assert_ptr_eq(jota_kind_find(kind->name), kind);
		ck_assert_uint_le(kind->field_count, JOTA_FIELDS_MAX);
		ck_assert_uint_lt(strlen(kind->name), JOTA_HEALTH_WORD_BYTES);
		ck_assert_ptr_nonnull(kind->run);
		for (size_t k = 0; k < kind->field_count; k++)
			ck_assert(kind->field[k].name && kind->field[k].about);
	}
}
END_TEST

START_TEST(every_reason_has_a_word_of_its_own_a_meaning_and_advice)
{
	for (int i = 0; i < JOTA_WHY_COUNT; i++) {
		const char *word = jota_reason_word((enum jota_reason)i);
		enum jota_reason parsed;

		ck_assert_ptr_nonnull(word);
		ck_assert_uint_lt(strlen(word), JOTA_HEALTH_WORD_BYTES);
		ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
		ck_assert_int_eq(jota_reason_parse(word, &parsed), 0);
		ck_assert_int_eq(parsed, i);
		ck_assert_ptr_nonnull(jota_reason_meaning((enum jota_reason)i));
		ck_assert_ptr_nonnull(jota_reason_advice((enum jota_reason)i));
	}
}
END_TEST

static const struct {
	const char *low, *high;
} ascending[] = {
	{ "1", "2" },
	{ "1.9", "1.10" },
	{ "1.2", "1.2.1" },
	{ "1.2.0-rc1", "1.2.0" },
	{ "1.2-rc1", "1.2-rc2" },
	{ "R35.4.1", "R36.1" },
	{ "v1.0", "1.0.1" },
	{ "1.0~beta", "1.0" },
	{ "0.9.9+b2", "1.0+b1" },
	{ "1.0", "1.0a" },
};

START_TEST(versions_are_ordered_as_people_do)
{
	int order;

	for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
		ck_assert_int_eq(jota_version_compare(ascending[i].low, ascending[i].high, &order),
				 0);
		ck_assert_msg(order < 0, "%s %s", ascending[i].low, ascending[i].high);
		ck_assert_int_eq(jota_version_compare(ascending[i].high, ascending[i].low, &order),
				 0);
		ck_assert_int_gt(order, 0);
	}
	ck_assert_int_eq(jota_version_compare("1.0", "1", &order), 0);
	ck_assert_int_eq(order, 0);
	ck_assert_int_eq(jota_version_compare("1+a", "1+b", &order), 0);
	ck_assert_int_eq(order, 0);
	ck_assert_int_eq(jota_version_compare("new", "1", &order), -EINVAL);
	ck_assert_int_eq(jota_version_compare("1.4294967296", "1", &order), -EINVAL);
}
END_TEST

START_TEST(firmware_versions_are_packed_as_nvidia_does)
{
	uint32_t version;

	ck_assert_int_eq(jota_firmware_version_parse("36.4.3", &version), 0);
	ck_assert_uint_eq(version, 0x240403);
	ck_assert_int_eq(jota_firmware_version_parse("35.5.0", &version), 0);
	ck_assert_uint_eq(version, 2295040);
	ck_assert_int_eq(jota_firmware_version_parse("0x240403", &version), 0);
	ck_assert_uint_eq(version, 0x240403);
	ck_assert_int_eq(jota_firmware_version_parse("36.4.3-x", &version), -EINVAL);
	ck_assert_int_eq(jota_firmware_version_parse("4294967296", &version), -EINVAL);
	ck_assert_int_eq(jota_firmware_version_parse("", &version), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan");

	tcase_add_checked_fixture(tcase, health_setup, health_teardown);
	tcase_add_test(tcase, defaults_are_as_documented);
	tcase_add_test(tcase, everything_that_can_be_said_is_taken);
	tcase_add_loop_test(tcase, what_is_wrong_is_refused_in_one_sentence_with_its_place, 0,
			    REFUSAL_COUNT);
	tcase_add_test(tcase, more_checks_than_fit_are_refused);
	tcase_add_test(tcase, a_file_of_its_owner_alone_is_read);
	tcase_add_test(tcase, a_file_that_others_may_write_is_refused);
	tcase_add_test(tcase, a_directory_that_others_may_write_is_refused);
	tcase_add_test(tcase, a_file_of_somebody_else_is_refused);
	tcase_add_test(tcase, what_is_no_plain_file_is_refused);
	tcase_add_test(tcase, every_kind_is_described_and_fits);
	tcase_add_test(tcase, every_reason_has_a_word_of_its_own_a_meaning_and_advice);
	tcase_add_test(tcase, versions_are_ordered_as_people_do);
	tcase_add_test(tcase, firmware_versions_are_packed_as_nvidia_does);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
