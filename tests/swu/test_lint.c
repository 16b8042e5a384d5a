/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/lint.h"

#include "base/err.h"
#include "slot/layout.h"
#include "support/run.h"
#include "swu/description.h"
#include "swu/findings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HASH "sha256 = \"abababababababababababababababababababababababababababababababab\"; "
#define STREAM "installed-directly = true; "
#define BOOT(more) "{ filename = \"boot.img\"; type = \"jetson-bootimg\"; " HASH STREAM more " }"
#define ROOT(more) "{ filename = \"root.img\"; type = \"jetson-rootfs\"; " HASH STREAM more " }"
#define LOADER(more) "{ filename = \"bl.img\"; type = \"jetson-bootloader\"; " HASH STREAM more " }"
#define HOOK(more) "{ type = \"jetson-postinstall\"; properties: { " more " }; }"
#define LIST2 "images = \"boot.img root.img\"; "
#define IMAGES(list) "images: ( " list " );\n"
#define SCRIPTS(list) "scripts: ( " list " );\n"
/* Texts that stand side by side become one; parentheses would end that. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define BOARD(more)                                                                                \
	"software = {\nversion = \"1.0\";\nboard = {\nhardware-compatibility: [ \"1.0\" ];\n" more \
	"};\n};\n"
/* boot.img, root.img and a hook that names them; `b`, `r`, `h` go into the entries. */
#define TWO(b, r, h, more) BOARD(IMAGES(BOOT(b) ", " ROOT(r)) SCRIPTS(HOOK(LIST2 h)) more)
/* NOLINTEND(bugprone-macro-parentheses) */
#define PART(file, part, offset, total, size)                                                      \
	"{ filename = \"" file "\"; type = \"jetson-rootfs\"; " HASH STREAM                        \
	"compressed = \"zstd\"; properties: { part = \"" part "\"; offset = \"" offset             \
	"\"; total = \"" total "\"; decompressed-size = \"" size "\"; }; }"
#define PARTS(list)                                                                                \
	BOARD(IMAGES(BOOT("") ", " list) SCRIPTS(HOOK("images = \"boot.img p1 p2 p3\"; ")))
#define A36 "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
#define X256                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                         \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                         \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                         \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* What breaks one rule, and words of its sentence. layout NULL: none is named. */
static const struct {
	const char *code, *layout, *says, *text;
} bad[] = {
	{ "dangling-ref", NULL, "#./gone",
	  BOARD(IMAGES(BOOT("") ", " ROOT("") ", { ref = \"#./gone\"; }") SCRIPTS(HOOK(LIST2))) },
	{ "missing-script-type", NULL, "'x.sh' has no type",
	  BOARD(IMAGES(BOOT("") ", " ROOT(""))
			SCRIPTS(HOOK(LIST2) ", { filename = \"x.sh\"; " HASH "}")) },
	{ "missing-type", NULL, "'x' has no type",
	  BOARD(IMAGES(BOOT("") ", " ROOT("") ", { filename = \"x\"; " HASH "}")
			SCRIPTS(HOOK(LIST2))) },
	{ "unknown-type", NULL, "'jetson-rootsf'",
	  BOARD(IMAGES("{ filename = \"x\"; type = \"jetson-rootsf\"; " HASH "}")) },
	{ "wrong-section", NULL, "not allowed in files",
	  BOARD("files: ( " ROOT("") " );\n" IMAGES(BOOT("")) SCRIPTS(HOOK(LIST2))) },
	{ "wrong-section", NULL, "not allowed in images",
	  BOARD(IMAGES("{ filename = \"x\"; type = \"jetson-postinstall\"; " HASH "}")) },
	{ "missing-filename", NULL, "skips it",
	  BOARD(IMAGES(BOOT("") ", " ROOT("") ", { type = \"raw\"; " HASH "}")
			SCRIPTS(HOOK(LIST2))) },
	{ "bad-filename", NULL, "'../evil'",
	  TWO("", "", "", "files: ( { filename = \"../evil\"; type = \"rawfile\"; " HASH "} );") },
	{ "bad-filename", NULL, "belongs to the archive",
	  TWO("", "", "", "files: ( { filename = \"sw-description\"; " HASH "} );") },
	{ "bad-filename", NULL, "256 characters",
	  TWO("", "", "", "files: ( { filename = \"" X256 "\"; " HASH "} );") },
	{ "missing-sha256", NULL, "'x' has no sha256",
	  TWO("", "", "", "files: ( { filename = \"x\"; } );") },
	{ "missing-sha256", NULL, "'x.scr' has no sha256",
	  TWO("", "", "", "bootenv: ( { filename = \"x.scr\"; } );") },
	{ "missing-sha256", NULL, "'b.json' has no sha256",
	  TWO("", "", "", "sbom: ( { filename = \"b.json\"; } );") },
	{ "bad-sha256", NULL, "(4 characters)",
	  TWO("", "", "", "files: ( { filename = \"x\"; sha256 = \"abab\"; } );") },
	{ "bad-sha256", NULL, "not all zero",
	  TWO("", "", "",
	      "files: ( { filename = \"x\"; sha256 = "
	      "\"0000000000000000000000000000000000000000000000000000000000000000\"; } );") },
	{ "fixed-place", NULL, "gives device", TWO("", "device = \"/dev/mmcblk0p1\";", "", "") },
	{ "fixed-place", NULL, "gives path", TWO("", "path = \"/x\";", "", "") },
	{ "fixed-place", NULL, "gives volume", TWO("", "volume = \"x\";", "", "") },
	{ "fixed-place", NULL, "gives mtdname", TWO("", "mtdname = \"x\";", "", "") },
	{ "fixed-place", NULL, "gives offset", TWO("", "offset = \"4K\";", "", "") },
	{ "install-if", NULL, "install-if-different",
	  TWO("", "install-if-different = true;", "", "") },
	{ "install-if", NULL, "install-if-higher", TWO("install-if-higher = true;", "", "", "") },
	{ "not-streamed", NULL, "'boot.img'",
	  BOARD(IMAGES("{ filename = \"boot.img\"; type = \"jetson-bootimg\"; " HASH "}, " ROOT(""))
			SCRIPTS(HOOK(LIST2))) },
	{ "needs-lua", NULL, "'x.lua'",
	  BOARD(IMAGES(BOOT("") ", " ROOT("")) SCRIPTS(
		  HOOK(LIST2) ", { filename = \"x.lua\"; type = \"lua\"; " HASH "}")) },
	{ "unreachable", NULL, "board.a.b.c",
	  TWO("", "", "", "a = { b = { c = { files: ( { filename = \"x\"; " HASH "} ); }; }; };") },
	{ "unknown-compression", NULL, "'bzip2'",
	  TWO("", "compressed = \"bzip2\"; properties: { decompressed-size = \"1\"; };", "", "") },
	{ "needs-xz", NULL, "xz",
	  TWO("", "compressed = \"xz\"; properties: { decompressed-size = \"1\"; };", "", "") },
	{ "boolean-compression", NULL, "old form",
	  TWO("", "compressed = true; properties: { decompressed-size = \"1\"; };", "", "") },
	{ "bad-ivt", NULL, "32 hexadecimal",
	  TWO("", "encrypted = true; ivt = \"abc\"; properties: { decrypted-size = \"1\"; };", "",
	      "") },
	{ "missing-ivt", NULL, "fresh ivt",
	  TWO("", "encrypted = true; properties: { decrypted-size = \"1\"; };", "", "") },
	{ "missing-size", NULL, "exact size as decompressed-size",
	  TWO("", "compressed = \"zstd\";", "", "") },
	{ "missing-size", NULL, "exact size as decrypted-size",
	  TWO("", "encrypted = true; ivt = \"abababababababababababababababab\";", "", "") },
	{ "bad-size", NULL, "'9223372036854775808'",
	  TWO("",
	      "compressed = \"zstd\"; properties: { decompressed-size = \"9223372036854775808\"; };",
	      "", "") },
	{ "bad-size", NULL, "'0'",
	  TWO("", "compressed = \"zstd\"; properties: { decompressed-size = \"0\"; };", "", "") },
	{ "bad-size", NULL, "'-1'",
	  TWO("", "compressed = \"zstd\"; properties: { decompressed-size = \"-1\"; };", "", "") },
	{ "unused-size", NULL, "is not compressed",
	  TWO("", "properties: { decompressed-size = \"1\"; };", "", "") },
	{ "unused-size", NULL, "is not encrypted",
	  TWO("", "properties: { decrypted-size = \"1\"; };", "", "") },
	{ "unknown-property", NULL, "'decompresed-size'",
	  TWO("", "properties: { decompresed-size = \"1\"; };", "", "") },
	{ "unknown-property", NULL, "there are images and keep", TWO("", "", "kep = \"x\"; ", "") },
	{ "several-values", NULL, "'part' has several values",
	  TWO("", "properties: { part = ( \"1\", \"2\" ); offset = \"0\"; total = \"1\"; };", "",
	      "") },
	{ "wrong-kind", NULL, "installed-directly",
	  BOARD(IMAGES("{ filename = \"boot.img\"; type = \"jetson-bootimg\"; " HASH
		       "installed-directly = \"true\"; }, " ROOT("")) SCRIPTS(HOOK(LIST2))) },
	{ "unknown-attribute", NULL, "'sha265'", TWO("", "sha265 = \"x\";", "", "") },
	{ "too-long", NULL, "256 characters", TWO("", "version = \"" X256 "\";", "", "") },
	{ "nothing-to-install", NULL, "installs nothing",
	  "software = { version = \"1\"; board = { hardware-compatibility: [ \"1\" ]; }; };" },
	{ "missing-version", NULL, "'board' has no version",
	  "software = { board = { hardware-compatibility: [ \"1\" ]; " IMAGES(BOOT("") ", " ROOT(""))
		  SCRIPTS(HOOK(LIST2)) "}; };" },
	{ "missing-hardware", NULL, "hardware-compatibility",
	  "software = { version = \"1\"; board = { " IMAGES(BOOT("") ", " ROOT(""))
		  SCRIPTS(HOOK(LIST2)) "}; };" },
	{ "hardware-names-board", NULL, "'jetson:1.0'",
	  "software = { version = \"1\"; board = { hardware-compatibility: [ \"jetson:1.0\" ]; " IMAGES(
		  BOOT("") ", " ROOT("")) SCRIPTS(HOOK(LIST2)) "}; };" },
	{ "reboot-false", NULL, "reboot = false", TWO("", "", "", "reboot = false;") },
	{ "state-marker-off", NULL, "selected by that very marker",
	  TWO("", "", "", "bootloader_state_marker = false;") },
	{ "transaction-marker-off", NULL, "leaves no trace",
	  TWO("", "", "", "bootloader_transaction_marker = false;") },
	{ "slot-variable", NULL, "'boot_slot'",
	  TWO("", "", "", "bootenv: ( { name = \"boot_slot\"; value = \"B\"; } );") },
	{ "slot-variable", NULL, "'ustate'",
	  TWO("", "", "", "uboot: ( { name = \"ustate\"; value = \"1\"; } );") },
	{ "embedded-script", NULL, "Lua",
	  TWO("", "", "", "embedded-script = \"function x() end\";") },
	{ "same-file-twice", NULL, "'boot.img' has two entries",
	  TWO("", "", "", "files: ( { filename = \"boot.img\"; " HASH "} );") },
	{ "no-image", NULL, "no slot to select",
	  BOARD("files: ( { filename = \"x\"; path = \"/x\"; " HASH "} );") },
	{ "half-slot", "mission", "layout 'mission' requires the role bootloader",
	  TWO("", "", "", "") },
	{ "half-slot", NULL, "requires the role rootfs",
	  BOARD(IMAGES(BOOT("")) SCRIPTS(HOOK("images = \"boot.img\"; "))) },
	{ "half-slot", "t234", "requires the role kernel",
	  BOARD(IMAGES(ROOT("")) SCRIPTS(HOOK("images = \"root.img\"; "))) },
	{ "role-not-in-layout", "t234", "layout 't234' has no pair",
	  BOARD(IMAGES(BOOT("") ", " ROOT("") ", " LOADER(""))
			SCRIPTS(HOOK("images = \"boot.img root.img bl.img\"; "))) },
	{ "role-not-in-layout", "t186", "bootloader", TWO("", "", "keep = \"bootloader\"; ", "") },
	{ "missing-hook", NULL, "never be selected", BOARD(IMAGES(BOOT("") ", " ROOT(""))) },
	{ "missing-hook-list", NULL, "no property images",
	  BOARD(IMAGES(BOOT("") ", " ROOT("")) SCRIPTS(HOOK(""))) },
	{ "hook-list-differs", NULL, "does not name 'root.img'",
	  BOARD(IMAGES(BOOT("") ", " ROOT("")) SCRIPTS(HOOK("images = \"boot.img\"; "))) },
	{ "hook-list-differs", NULL, "names 'more.img'",
	  BOARD(IMAGES(BOOT("") ", " ROOT(""))
			SCRIPTS(HOOK("images = \"boot.img root.img more.img\"; "))) },
	{ "too-many-words", NULL, "73 words", TWO("", "", "keep = \"" A36 A36 "a\"; ", "") },
	{ "bad-keep", "mission", "keeps 'kernle'", TWO("", "", "keep = \"kernle\"; ", "") },
	{ "bad-keep", "mission", "in use while the device runs",
	  BOARD(IMAGES(BOOT("")) SCRIPTS(HOOK("images = \"boot.img\"; keep = \"rootfs\"; "))) },
	{ "bad-keep", "mission", "also brings", TWO("", "", "keep = \"kernel\"; ", "") },
	{ "bad-keep", "mission", "twice", TWO("", "", "keep = \"bootloader bootloader\"; ", "") },
	{ "bad-part", NULL, "total is missing",
	  TWO("", "properties: { part = \"1\"; offset = \"0\"; };", "", "") },
	{ "bad-part", NULL, "multiple of 1 GiB",
	  TWO("", "properties: { part = \"1\"; offset = \"512\"; total = \"1024\"; };", "", "") },
	{ "bad-part", NULL, "not below total",
	  TWO("", "properties: { part = \"1\"; offset = \"1073741824\"; total = \"1073741824\"; };",
	      "", "") },
	{ "bad-part", NULL, "'18446744073709551616'",
	  TWO("", "properties: { part = \"1\"; offset = \"0\"; total = \"18446744073709551616\"; };",
	      "", "") },
	{ "same-role-twice", NULL, "both bring the role rootfs",
	  BOARD(IMAGES(BOOT("") ", " ROOT(
		  "") ", { filename = \"r2\"; type = \"jetson-rootfs\"; " HASH STREAM "}")
			SCRIPTS(HOOK("images = \"boot.img root.img r2\"; "))) },
	{ "parts-differ", NULL, "'p3' is part 3 where part 2 is expected",
	  PARTS(PART("p1", "1", "0", "5368709120", "4294967296") ", " PART(
		  "p3", "3", "4294967296", "5368709120", "1073741824")) },
	{ "parts-differ", NULL, "gap or overlap",
	  PARTS(PART("p1", "1", "0", "5368709120", "3221225472") ", " PART(
		  "p2", "2", "4294967296", "5368709120", "1073741824")) },
	{ "parts-differ", NULL, "the part before it",
	  PARTS(PART("p1", "1", "0", "5368709120", "4294967296") ", " PART(
		  "p2", "2", "4294967296", "5368709121", "1073741824")) },
	{ "parts-differ", NULL, "end at 5368709119",
	  PARTS(PART("p1", "1", "0", "5368709120", "4294967296") ", " PART(
		  "p2", "2", "4294967296", "5368709120", "1073741823")) },
	{ "parts-differ", NULL, "differ in installed-directly",
	  PARTS(PART(
		  "p1", "1", "0", "5368709120",
		  "4294967296") ", "
				"{ filename = \"p2\"; type = \"jetson-rootfs\"; " HASH
				"properties: { part = \"2\"; offset = \"4294967296\"; total = \"5368709120\"; }; }") },
	{ "bad-part", NULL, "'boot.img': part, offset and total are for the rootfs",
	  TWO("properties: { part = \"1\"; offset = \"0\"; total = \"1\"; };", "", "", "") },
	{ "bad-part", NULL, "only that, begins at 0",
	  PARTS(PART("p1", "1", "1073741824", "5368709120", "4294967296")) },
};
#define BAD_COUNT (sizeof(bad) / sizeof(bad[0]))

static const struct {
	const char *layout, *text;
} good[] = {
	{ NULL, TWO("", "", "", "") },
	{ "t186", TWO("", "", "", "") },
	{ "t264", TWO("", "", "", "bootenv: ( { name = \"mine\"; value = \"1\"; } );") },
	{ "mission", TWO("", "", "keep = \"bootloader\"; ", "") },
	{ "mission", BOARD(IMAGES(LOADER("") ", " BOOT("") ", " ROOT(""))
				   SCRIPTS(HOOK("images = \"bl.img\\troot.img  boot.img \"; "))) },
	{ NULL, TWO("",
		    "compressed = \"zstd\"; properties: { decompressed-size = "
		    "\"9223372036854775807\"; };",
		    "", "files: ( { filename = \"x\"; path = \"/x\"; " HASH "} );") },
	{ NULL,
	  TWO("",
	      "compressed = \"zlib\"; encrypted = true; ivt = "
	      "\"ABABabababababababababababababab\"; properties: { decompressed-size = \"1\"; };",
	      "", "reboot = true; sbom: ( { filename = \"b.json\"; " HASH "} );") },
	{ NULL,
	  BOARD(IMAGES(BOOT("") ", " PART("p1", "1", "0", "5368709120", "4294967296") ", " PART(
		  "p2", "2", "4294967296", "5368709120", "1073741824"))
			SCRIPTS(HOOK("images = \"boot.img p1 p2\"; "))) },
	{ NULL, "software = { version = \"1\"; hardware-compatibility: [ \"#RE:^1:[0-9]$\" ];\n"
		"common = { " IMAGES(BOOT("") ", " ROOT("")) SCRIPTS(HOOK(
			LIST2)) "};\n"
				"a = { ref = \"#./common\"; }; b = { ref = \"#./common\"; }; };" },
};

static struct jota_swu_description d;
static struct jota_swu_findings f;

static void teardown(void)
{
	jota_swu_description_done(&d);
	jota_swu_findings_done(&f);
}

static void lint(const char *text, const char *layout)
{
	struct jota_err err = { 0 };

	ck_assert_msg(jota_swu_description_parse("d", text, &d, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(jota_swu_lint(&d, layout ? jota_layout_find(layout) : NULL, &f, &err), 0);
}

START_TEST(each_rule_finds_its_example)
{
	bool found = false;

	lint(bad[_i].text, bad[_i].layout);
	for (size_t i = 0; i < f.count; i++)
		found |= strcmp(f.finding[i].code, bad[_i].code) == 0 &&
			 strstr(f.finding[i].text, bad[_i].says);
	for (size_t i = 0; !found && i < f.count; i++)
		(void)fprintf(stderr, "%s: %s\n", f.finding[i].code, f.finding[i].text);
	ck_assert_msg(found, "row %d: no '%s' with '%s'", _i, bad[_i].code, bad[_i].says);
}
END_TEST

START_TEST(what_is_good_has_no_finding)
{
	lint(good[_i].text, good[_i].layout);
	for (size_t i = 0; i < f.count; i++)
		(void)fprintf(stderr, "%s: %s\n", f.finding[i].code, f.finding[i].text);
	ck_assert_uint_eq(f.count, 0);
}
END_TEST

START_TEST(each_rule_has_an_example_and_a_code_of_its_own)
{
	const char *code, *meaning, *other;
	bool fatal;
	size_t i;

	for (i = 0; (code = jota_swu_lint_code(i, &meaning, &fatal)); i++) {
		bool found = false;

		for (size_t row = 0; row < BAD_COUNT; row++)
			found |= strcmp(bad[row].code, code) == 0;
		ck_assert_msg(found, "the rule '%s' has no failing example", code);
		ck_assert_uint_gt(strlen(meaning), 10);
		for (size_t k = 0; k < i; k++) {
			other = jota_swu_lint_code(k, &meaning, &fatal);
			ck_assert_str_ne(other, code);
		}
	}
	ck_assert_uint_ge(i, 45);
}
END_TEST

START_TEST(a_finding_has_the_line_of_its_entry)
{
	lint("software = {\nversion = \"1\";\nhardware-compatibility: [ \"1\" ];\nimages: (\n" BOOT(
		     "") ",\n" ROOT("device = \"x\";") "\n);\n" SCRIPTS(HOOK(LIST2)) "};\n",
	     NULL);
	ck_assert_uint_eq(f.count, 1);
	ck_assert_uint_eq(f.finding[0].line, 6);
	ck_assert(f.finding[0].fatal);
	ck_assert_uint_eq(jota_swu_findings_fatal(&f), 1);
	ck_assert(jota_swu_findings_has(&f, "fixed-place"));
}
END_TEST

START_TEST(each_board_is_judged_by_itself)
{
	lint("software = { version = \"1\"; hardware-compatibility: [ \"1\" ];\n"
	     "good = { " IMAGES(BOOT("") ", " ROOT(""))
		     SCRIPTS(HOOK(LIST2)) "};\n"
					  "half = { " IMAGES(BOOT(""))
						  SCRIPTS(HOOK("images = \"boot.img\"; ")) "}; };",
	     "t234");
	ck_assert_uint_eq(f.count, 1);
	ck_assert_ptr_nonnull(strstr(f.finding[0].text, "'half' is half a slot"));
}
END_TEST

START_TEST(findings_are_printable_and_cut)
{
	char name[800] = "a\x1b[2J\n\xc3\xa4";

	memset(name + strlen(name), 'x', 700);
	ck_assert_int_eq(jota_swu_finding_add(&f, true, 0, "code", "%s", name), 0);
	ck_assert_int_eq(jota_swu_finding_add(&f, true, 0, "code", "%s", name), 0);
	ck_assert_uint_eq(f.count, 1);
	ck_assert_uint_eq(strlen(f.finding[0].text), sizeof(f.finding[0].text) - 1);
	ck_assert_str_eq(f.finding[0].text + sizeof(f.finding[0].text) - 4, "...");
	ck_assert_int_eq(strncmp(f.finding[0].text, "a?[2J???xx", 10), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("swu/lint");
	TCase *tc = tcase_create("lint");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, each_rule_finds_its_example, 0, (int)BAD_COUNT);
	tcase_add_loop_test(tc, what_is_good_has_no_finding, 0,
			    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_test(tc, each_rule_has_an_example_and_a_code_of_its_own);
	tcase_add_test(tc, a_finding_has_the_line_of_its_entry);
	tcase_add_test(tc, each_board_is_judged_by_itself);
	tcase_add_test(tc, findings_are_printable_and_cut);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
