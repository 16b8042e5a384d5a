/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* A unit of the new root with its drop-ins: which of them count, in which order, and whether it could start. */
#include "health/new_unit.h"
#include "health/newroot_test.h"

#define ETC "/etc/systemd/system/"
#define USR "/usr/lib/systemd/system/"
#define LOCAL "/usr/local/lib/systemd/system/"
#define UNIT "my-fine-app.service"
#define RESET "[Service]\nExecStart=\n"
#define LOST RESET "ExecStart=/opt/none\n"
#define FOUND RESET "ExecStart=/bin/app\n"

/* "@": a link to what follows. */
struct file {
	const char *path, *text;
};

struct example {
	const char *about;
	struct file file[5];
	enum jota_reason reason;
	const char *says;
};

#define APP                                                                                        \
	{                                                                                          \
		USR UNIT, "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/app -x\n"              \
	}

static const struct example examples[] = {
	{ "a unit alone", { APP }, JOTA_WHY_OK, "" },
	{ "a program that is not there",
	  { { USR UNIT, "[Service]\nExecStart=-@/opt/none x\n" } },
	  JOTA_WHY_NEW_PROGRAM,
	  "unit 'my-fine-app.service' cannot start: '/opt/none'" },
	{ "a drop-in replaces the program",
	  { APP, { ETC UNIT ".d/a.conf", LOST } },
	  JOTA_WHY_NEW_PROGRAM,
	  "cannot start (/etc/systemd/system/my-fine-app.service.d/a.conf): '/opt/none'" },
	{ "of two names the later counts",
	  { APP, { USR UNIT ".d/20.conf", FOUND }, { ETC UNIT ".d/10.conf", LOST } },
	  JOTA_WHY_OK,
	  "" },
	{ "of one name that in /etc counts",
	  { APP, { USR UNIT ".d/10.conf", LOST }, { ETC UNIT ".d/10.conf", FOUND } },
	  JOTA_WHY_OK,
	  "" },
	{ "/usr/local before /usr",
	  { APP, { USR UNIT ".d/10.conf", LOST }, { LOCAL UNIT ".d/10.conf", FOUND } },
	  JOTA_WHY_OK,
	  "" },
	{ "a link to /dev/null hides the other of its name",
	  { APP, { USR UNIT ".d/10.conf", LOST }, { ETC UNIT ".d/10.conf", "@/dev/null" } },
	  JOTA_WHY_OK,
	  "" },
	{ "an empty file too",
	  { APP, { USR UNIT ".d/10.conf", LOST }, { ETC UNIT ".d/10.conf", "" } },
	  JOTA_WHY_OK,
	  "" },
	{ "for all with that begin of the name",
	  { APP, { USR "my-fine-.service.d/a.conf", LOST } },
	  JOTA_WHY_NEW_PROGRAM,
	  "my-fine-.service.d/a.conf" },
	{ "the longer begin counts",
	  { APP, { USR "my-.service.d/a.conf", LOST }, { USR "my-fine-.service.d/a.conf", FOUND } },
	  JOTA_WHY_OK,
	  "" },
	{ "but in its folder only",
	  { APP, { ETC "my-.service.d/a.conf", LOST }, { USR UNIT ".d/a.conf", FOUND } },
	  JOTA_WHY_NEW_PROGRAM,
	  "/etc/systemd/system/my-.service.d/a.conf" },
	{ "for all of the type",
	  { APP, { USR "service.d/a.conf", LOST } },
	  JOTA_WHY_NEW_PROGRAM,
	  "service.d/a.conf" },
	{ "the type comes last of all folders",
	  { APP, { ETC "service.d/a.conf", LOST }, { USR UNIT ".d/a.conf", FOUND } },
	  JOTA_WHY_OK,
	  "" },
	{ "what is no drop-in",
	  { APP,
	    { ETC UNIT ".d/a.conf.bak", LOST },
	    { ETC UNIT ".d/.a.conf", LOST },
	    { ETC "my-fine.service.d/a.conf", LOST },
	    { ETC UNIT ".d/b.conf", "@nowhere" } },
	  JOTA_WHY_OK,
	  "" },
	{ "/run is empty when a slot boots",
	  { APP, { "/run/systemd/system/" UNIT ".d/a.conf", LOST } },
	  JOTA_WHY_OK,
	  "" },
	{ "a forgotten reset",
	  { APP, { ETC UNIT ".d/a.conf", "[Service]\nExecStart=/bin/app\n" } },
	  JOTA_WHY_UNIT_SETTINGS,
	  "has 2 lines of ExecStart=, only Type=oneshot may have more than one" },
	{ "which oneshot needs not",
	  { APP, { ETC UNIT ".d/a.conf", "[Service]\nType=oneshot\nExecStart=/bin/app\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "a program taken away",
	  { APP, { ETC UNIT ".d/a.conf", RESET } },
	  JOTA_WHY_UNIT_SETTINGS,
	  "has no ExecStart=, with its 1 drop-ins" },
	{ "an end is enough",
	  { APP, { ETC UNIT ".d/a.conf", RESET "ExecStop=/bin/app\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "another section is none",
	  { APP, { ETC UNIT ".d/a.conf", "[X-Service]\nExecStart=\n[Unit]\nExecStart=\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "a command before it",
	  { APP, { ETC UNIT ".d/a.conf", "[Service]\nExecStartPre=+/opt/first\n" } },
	  JOTA_WHY_NEW_PROGRAM,
	  "'/opt/first'" },
	{ "which may fail",
	  { APP, { ETC UNIT ".d/a.conf", "[Service]\nExecStartPre=-/opt/first\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "and a condition is no command",
	  { APP,
	    { ETC UNIT ".d/a.conf",
	      "[Service]\nExecCondition=/opt/first\nExecStartPre=\nExecStartPre=/bin/app\n" } },
	  JOTA_WHY_NEW_PROGRAM,
	  "'/opt/first'" },
	{ "what only systemd knows",
	  { APP, { ETC UNIT ".d/a.conf", RESET "ExecStart=/opt/%i\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "lines that go on",
	  { APP,
	    { ETC UNIT ".d/a.conf",
	      "[Service]\nExecStart=\n# a comment \\\nExecStart=\\\n  # no end\n ; none\n"
	      "   /opt/none \\\n  -x \\\n  ExecStart=/bin/app\n" } },
	  JOTA_WHY_NEW_PROGRAM,
	  "'/opt/none'" },
	{ "a condition that cannot hold",
	  { APP, { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=/etc/none\n" } },
	  JOTA_WHY_UNIT_CONDITION,
	  "will not start: ConditionPathExists=/etc/none does not hold in the new root (/etc/sys" },
	{ "one that holds",
	  { APP, { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=/bin/app\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "one turned round",
	  { APP, { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=!/bin/app\n" } },
	  JOTA_WHY_UNIT_CONDITION,
	  "ConditionPathExists=!/bin/app" },
	{ "an assertion",
	  { APP, { ETC UNIT ".d/a.conf", "[Unit]\nAssertPathExists = /usr/none\n" } },
	  JOTA_WHY_UNIT_CONDITION,
	  "AssertPathExists=/usr/none" },
	{ "what a later one takes back",
	  { APP,
	    { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=/etc/none\n" },
	    { ETC UNIT ".d/b.conf", "[Unit]\nConditionHost=\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "assertions stay then",
	  { APP, { ETC UNIT ".d/a.conf", "[Unit]\nAssertPathExists=/etc/none\nConditionHost=\n" } },
	  JOTA_WHY_UNIT_CONDITION,
	  "AssertPathExists" },
	{ "what the running system makes",
	  { APP,
	    { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=/run/x\nConditionPathExists=/sys/x\n"
				    "ConditionPathExists=/data/x\nConditionPathExists=/etc/%m\n"
				    "ConditionPathIsDirectory=/etc/none\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "one of several",
	  { APP,
	    { ETC UNIT ".d/a.conf",
	      "[Unit]\nConditionPathExists=|/etc/none\nConditionPathExists=|!/usr/none\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "one of several, which may be",
	  { APP,
	    { ETC UNIT ".d/a.conf", "[Unit]\nConditionPathExists=|/etc/none\nConditionHost=|x\n" } },
	  JOTA_WHY_OK,
	  "" },
	{ "none of several",
	  { APP,
	    { ETC UNIT ".d/a.conf",
	      "[Unit]\nConditionPathExists=|/etc/none\nConditionPathExists=|!/bin/app\n" } },
	  JOTA_WHY_UNIT_CONDITION,
	  "ConditionPathExists=|/etc/none" },
};

static void add_files(const struct file *file, size_t count)
{
	add_elf("/bin/app", HERE, NULL);
	for (size_t i = 0; i < count && file[i].path; i++)
		if (file[i].text[0] == '@')
			add_link(file[i].path, file[i].text + 1);
		else
			add(file[i].path, file[i].text, 0644);
}

START_TEST(a_unit_counts_with_its_drop_ins)
{
	const struct example *e = &examples[_i / 2];
	static struct jota_new_unit unit;
	struct jota_finding found = { 0 };
	bool starts;

	add_files(e->file, sizeof(e->file) / sizeof(e->file[0]));
	open_way(_i % 2);
	ck_assert_msg(jota_new_unit_read(root, UNIT, &unit, &err) == 0, "%s: %s", e->about, err.msg);
	ck_assert(!unit.masked);
	starts = jota_new_unit_starts(root, UNIT, &unit, &found);
	ck_assert_msg(starts == (e->reason == JOTA_WHY_OK) && found.reason == e->reason &&
			      strstr(found.message, e->says) != NULL,
		      "%s: %s: %s", e->about, jota_reason_word(found.reason), found.message);
	jota_new_unit_done(&unit);
}
END_TEST

static const struct {
	struct file file[2];
	int result;
	bool masked;
	const char *says;
} reads[] = {
	{ { { NULL, NULL } }, -ENOENT, false, "has no unit 'my-fine-app.service'" },
	{ { { USR UNIT ".d/a.conf", FOUND } }, -ENOENT, false, "has no unit" },
	{ { APP, { ETC UNIT, "@/dev/null" } }, 0, true, "" },
	{ { APP, { ETC UNIT, "@../../../dev/null" } }, 0, true, "" },
	{ { APP, { LOCAL UNIT, "" } }, 0, true, "" },
	{ { APP, { ETC UNIT, "@/data/none" } }, -ENOENT, false, "'/etc/systemd/system/my-fine-app" },
	{ { APP, { ETC UNIT, "@" UNIT } }, -ELOOP, false, "" },
	{ { { USR UNIT "/file", "" } }, -EINVAL, false, "no regular file" },
};

START_TEST(a_unit_that_is_masked_or_absent_is_told)
{
	static struct jota_new_unit unit;
	int r;

	add_files(reads[_i].file, 2);
	open_way(1);
	r = jota_new_unit_read(root, UNIT, &unit, &err);
	ck_assert_msg(r == reads[_i].result && unit.masked == reads[_i].masked, "%d: %s", r,
		      err.msg);
	ck_assert_msg(strstr(err.msg, reads[_i].says) != NULL, "%s", err.msg);
	jota_new_unit_done(&unit);
}
END_TEST

START_TEST(too_much_is_refused)
{
	static struct jota_new_unit unit;
	static char text[80000];
	char path[128];
	size_t used = 0;

	add(USR UNIT, "[Service]\nExecStart=/bin/app\n", 0644);
	if (_i == 0) {
		for (int i = 0; i < 70; i++) {
			(void)snprintf(path, sizeof(path), ETC UNIT ".d/%d.conf", i);
			add(path, "", 0644);
		}
	} else if (_i == 1) {
		used = (size_t)snprintf(text, sizeof(text), "[Unit]\n");
		for (int i = 0; i < 40; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "ConditionHost=x\n");
		add(ETC UNIT ".d/a.conf", text, 0644);
	} else {
		memset(text, '\n', sizeof(text) - 1);
		add(ETC UNIT ".d/a.conf", text, 0644);
	}
	open_way(1);
	says(jota_new_unit_read(root, UNIT, &unit, &err), _i == 2 ? -EFBIG : -E2BIG,
	     _i == 0 ? "more than 64 drop-ins" :
	     _i == 1 ? "more than 32 lines of Condition" :
		       "more than 65536 bytes");
	jota_new_unit_done(&unit);
}
END_TEST

/* Nothing but backslashes, no equals sign, sections without end: whatever it is, it ends. */
START_TEST(strange_texts_are_nothing)
{
	static const char *const texts[] = {
		"",	    "\\",	    "\\\n",   "\\\n\\\n\\\n#\\\n",
		"=",	    "=\n[",	    "[Unit",  "[Service]\nExecStart",
		"#",	    "\n\n\r\n \t",  "[]\n=a", "[Service]\n=/x\nExecStartX=/y",
		"a=\\\n#b", "ExecStart=/x", ";\\",    "[Unit]\nCondition="
	};
	static struct jota_new_unit unit;
	char text[64];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", texts[i]);
		ck_assert_int_eq(jota_unit_apply(&unit, "/x", text, &err), 0);
		for (size_t list = 0; list < JOTA_UNIT_LIST_COUNT; list++)
			ck_assert_msg(unit.list[list].count == 0, "%s", texts[i]);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health/new_units");
	TCase *tc = tcase_create("new_units");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_unit_counts_with_its_drop_ins, 0,
			    2 * sizeof(examples) / sizeof(examples[0]));
	tcase_add_loop_test(tc, a_unit_that_is_masked_or_absent_is_told, 0,
			    sizeof(reads) / sizeof(reads[0]));
	tcase_add_loop_test(tc, too_much_is_refused, 0, 3);
	tcase_add_test(tc, strange_texts_are_nothing);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
