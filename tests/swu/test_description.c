/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/description.h"

#include "base/err.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct jota_swu_description d;
static struct jota_err err;

static void teardown(void)
{
	jota_swu_description_done(&d);
	err = (struct jota_err){ 0 };
}

static void parse(const char *text)
{
	ck_assert_msg(jota_swu_description_parse("d", text, &d, &err) == 0, "%s", err.msg);
}

static void refuses(const char *text, const char *fragment)
{
	ck_assert_int_eq(jota_swu_description_parse("d", text, &d, &err), -EBADMSG);
	ck_assert_msg(strstr(err.msg, fragment), "expected '%s' in: %s", fragment, err.msg);
	ck_assert_ptr_null(d.entry);
}

static const struct jota_swu_view *view(const char *name)
{
	for (size_t i = 0; i < d.view_count; i++)
		if (strcmp(d.view[i].name, name) == 0)
			return &d.view[i];
	ck_abort_msg("no view '%s'", name);
	return NULL;
}

/* File names of a view in its order, separated by blanks. */
static const char *files(const char *name, char buf[256])
{
	const struct jota_swu_view *v = view(name);

	buf[0] = '\0';
	for (size_t i = 0; i < v->entry_count; i++) {
		const char *file = d.entry[v->entry[i]].filename;
		size_t used = strlen(buf);

		(void)snprintf(buf + used, 256 - used, "%s%s", i ? " " : "", file ? file : "-");
	}
	return buf;
}
#define FILES(name) files(name, (char[256]){ 0 })

START_TEST(every_attribute_is_taken)
{
	const struct jota_swu_entry *e;

	parse("software = { version = \"1.2\"; description = \"words\"; board = {\n"
	      "hardware-compatibility: [ \"1.0\", \"1.1\" ];\n"
	      "images: ( { filename = \"f\"; type = \"t\"; device = \"/d\"; path = \"/p\";\n"
	      "volume = \"v\"; mtdname = \"m\"; offset = \"1K\"; name = \"n\"; version = \"3\";\n"
	      "install-if-different = true; install-if-higher = true;\n"
	      "installed-directly = true; compressed = \"zstd\"; encrypted = true;\n"
	      "ivt = \"00\"; sha256 = \"ab\"; data = \"x\";\n"
	      "properties: { a = \"1\"; b = ( \"2\", \"3\" ); }; } ); }; };");
	ck_assert_str_eq(d.version, "1.2");
	ck_assert_str_eq(d.text_description, "words");
	ck_assert_uint_eq(d.hardware_count, 2);
	ck_assert_str_eq(d.hardware[1], "board:1.1");
	ck_assert_uint_eq(d.entry_count, 1);
	e = &d.entry[0];
	ck_assert_int_eq(e->section, JOTA_SWU_IMAGES);
	ck_assert_str_eq(e->selection, "board");
	ck_assert_str_eq(e->filename, "f");
	ck_assert_str_eq(e->type, "t");
	ck_assert_str_eq(e->device, "/d");
	ck_assert_str_eq(e->path, "/p");
	ck_assert_str_eq(e->volume, "v");
	ck_assert_str_eq(e->mtdname, "m");
	ck_assert_str_eq(e->offset, "1K");
	ck_assert_str_eq(e->name, "n");
	ck_assert_str_eq(e->version, "3");
	ck_assert(e->install_if_different && e->install_if_higher && e->installed_directly);
	ck_assert_str_eq(e->compressed, "zstd");
	ck_assert(e->encrypted);
	ck_assert_str_eq(e->ivt, "00");
	ck_assert_str_eq(e->sha256, "ab");
	ck_assert_str_eq(e->data, "x");
	ck_assert_uint_eq(e->property_count, 3);
	ck_assert_str_eq(jota_swu_property_get(e, "b"), "2");
	ck_assert_ptr_null(jota_swu_property_get(e, "c"));
	ck_assert_uint_eq(e->line, 3);
	ck_assert_uint_eq(e->property[2].line, 8);
}
END_TEST

START_TEST(values_of_a_wrong_kind_and_unknown_attributes_are_named)
{
	const struct jota_swu_entry *e;

	parse("software = { images: ( { filename = 7; encrypted = \"yes\"; installed-directly = 1;\n"
	      "compressed = 3; sha265 = \"x\"; properties: { size = 4; } } ); };");
	e = &d.entry[0];
	ck_assert_ptr_null(e->filename);
	ck_assert(!e->encrypted && !e->installed_directly);
	ck_assert_ptr_null(e->compressed);
	ck_assert_uint_eq(e->ignored.count, 5);
	ck_assert_str_eq(e->ignored.name[4], "size");
	ck_assert_uint_eq(e->unknown.count, 1);
	ck_assert_str_eq(e->unknown.name[0], "sha265");
}
END_TEST

static const struct {
	const char *number, *text;
} offsets[] = {
	{ "2147483647", "2147483647" },
	{ "2147483649L", "2147483649" },
	{ "4294967297L", "4294967297" },
	{ "9223372036854775807L", "9223372036854775807" },
	{ "0", "0" },
};

START_TEST(test_cve_class_sizes_keep_their_value)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
		       "software = { images: ( { filename = \"f\"; offset = %s; } ); };",
		       offsets[_i].number);
	parse(text);
	ck_assert_str_eq(d.entry[0].offset, offsets[_i].text);
}
END_TEST

/* SWUpdate's search: board and selection, selection, board, everything. */
START_TEST(each_section_is_found_where_swupdate_finds_it)
{
	parse("software = { version = \"1\"; scripts: ( { filename = \"all.sh\"; } );\n"
	      "stable = { copy1 = { images: ( { filename = \"c1\"; } ); };\n"
	      "           copy2 = { images: ( { filename = \"c2\"; } ); }; };\n"
	      "board = { scripts: ( { filename = \"board.sh\"; } );\n"
	      "          stable = { copy1 = { images: ( { filename = \"b1\"; } ); }; }; };\n"
	      "};");
	ck_assert_uint_eq(d.view_count, 5);
	ck_assert_str_eq(FILES(""), "all.sh");
	ck_assert_str_eq(FILES("board"), "board.sh");
	ck_assert_str_eq(FILES("stable.copy1"), "c1 all.sh");
	ck_assert_str_eq(FILES("stable.copy2"), "c2 all.sh");
	ck_assert_str_eq(FILES("board.stable.copy1"), "b1 board.sh");
	for (size_t i = 0; i < d.view_count; i++)
		ck_assert(d.view[i].has_version && !d.view[i].has_hardware);
}
END_TEST

START_TEST(files_and_partitions_stand_before_images)
{
	parse("software = { images: ( { filename = \"i1\"; }, { filename = \"i2\"; } );\n"
	      "files: ( { filename = \"f\"; } ); partitions: ( { filename = \"p\"; } );\n"
	      "scripts: ( { filename = \"s\"; } ); };");
	ck_assert_str_eq(FILES(""), "p f i1 i2 s");
}
END_TEST

START_TEST(links_are_followed)
{
	parse("software = { common = { images: ( { filename = \"c\"; } ); };\n"
	      "one = { ref = \"#./common\"; };\n"
	      "more: ( { filename = \"m1\"; }, { filename = \"m2\"; } );\n"
	      "two = { images: ( { filename = \"x\"; }, { ref = \"#./../more\"; } ); };\n"
	      "three = { images: ( { ref = \"#software/more\"; } ); }; };");
	ck_assert_str_eq(FILES("one"), "c");
	ck_assert_str_eq(FILES("two"), "x m1 m2");
	ck_assert_str_eq(FILES("three"), "m1 m2");
}
END_TEST

START_TEST(a_link_to_nowhere_is_an_entry_that_says_so)
{
	parse("software = { images: ( { ref = \"#./gone\"; } ); };");
	ck_assert_uint_eq(d.entry_count, 1);
	ck_assert_str_eq(d.entry[0].ref, "#./gone");
}
END_TEST

START_TEST(links_that_go_round_are_refused)
{
	refuses("software = { images: ( { ref = \"#./images\"; } ); };", "go round");
	refuses("software = { a = { images: ( { ref = \"#../b/images\"; } ); };\n"
		"b = { images: ( { ref = \"#../a/images\"; } ); }; };",
		"go round");
}
END_TEST

START_TEST(links_that_multiply_are_refused)
{
	char text[2048] = "software = { l0: ( { filename = \"x\"; } );\n";

	for (int i = 1; i < 9; i++) {
		size_t used = strlen(text);

		(void)snprintf(
			text + used, sizeof(text) - used,
			"l%d: ( { ref = \"#./l%d\"; }, { ref = \"#./l%d\"; }, { ref = \"#./l%d\"; "
			"} );\n",
			i, i - 1, i - 1, i - 1);
	}
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		       "images: ( { ref = \"#./l7\"; } ); };");
	refuses(text, "more than 256 entries");
}
END_TEST

START_TEST(a_group_that_links_to_itself_has_no_entries)
{
	parse("software = { a = { ref = \"#./a\"; }; images: ( { filename = \"x\"; } ); };");
	ck_assert_uint_eq(d.view_count, 1);
}
END_TEST

START_TEST(bootenv_and_its_old_name)
{
	parse("software = { a = { bootenv: ( { name = \"n\"; value = \"v\"; },\n"
	      "{ filename = \"s.scr\"; sha256 = \"0\"; } ); uboot: ( { name = \"no\"; } ); };\n"
	      "b = { uboot: ( { name = \"old\"; } ); }; };");
	ck_assert_uint_eq(view("a")->bootenv_count, 1);
	ck_assert_str_eq(d.bootenv[view("a")->bootenv[0]].value, "v");
	ck_assert_str_eq(FILES("a"), "s.scr");
	ck_assert_int_eq(d.entry[view("a")->entry[0]].section, JOTA_SWU_BOOTENV);
	ck_assert_str_eq(d.bootenv[view("b")->bootenv[0]].name, "old");
	ck_assert_str_eq(d.bootenv[view("b")->bootenv[0]].value, "");
}
END_TEST

START_TEST(flags_are_those_of_the_view)
{
	parse("software = { reboot = true; bootloader_state_marker = false;\n"
	      "a = { reboot = false; images: ( { filename = \"x\"; } ); };\n"
	      "b = { bootloader_state_marker = true; images: ( { filename = \"x\"; } ); }; };");
	ck_assert(view("a")->has_reboot && !view("a")->reboot && view("a")->state_marker_off);
	ck_assert(view("b")->reboot && !view("b")->state_marker_off);
	ck_assert(d.has_reboot && !d.reboot && d.state_marker_off);
}
END_TEST

START_TEST(an_sbom_is_carried_in_no_view)
{
	parse("software = { a = { images: ( { filename = \"x\"; } );\n"
	      "sbom: ( { filename = \"bom.json\"; sha256 = \"00\"; } ); }; };");
	ck_assert_uint_eq(d.entry_count, 2);
	ck_assert_int_eq(d.entry[1].section, JOTA_SWU_SBOM);
	ck_assert_str_eq(FILES("a"), "x");
}
END_TEST

START_TEST(syntax_errors_name_the_line)
{
	refuses("software =\n{\n  version = ;\n};", "line 3");
	refuses("software = { a = 1; a = 2; };", "duplicate");
	refuses("software = { images: ( ", "line 1");
	refuses("", "no group 'software'");
	refuses("software = 1;", "no group 'software'");
	refuses("other = { };", "no group 'software'");
}
END_TEST

START_TEST(json_is_named)
{
	refuses(" { \"software\": { \"version\": \"1\" } }", "JSON");
}
END_TEST

START_TEST(another_file_is_never_read)
{
	refuses("software = {\n@include \"/etc/passwd\"\n};", "line 2: @include");
	refuses("\t @include \"x\"", "@include");
}
END_TEST

START_TEST(limits_are_kept)
{
	char *text = malloc(JOTA_SWU_TEXT_MAX + 2u);
	size_t used;

	memset(text, ' ', JOTA_SWU_TEXT_MAX + 1u);
	text[JOTA_SWU_TEXT_MAX + 1u] = '\0';
	refuses(text, "longer than");
	used = (size_t)snprintf(text, JOTA_SWU_TEXT_MAX, "software = { images: (");
	for (int i = 0; i <= JOTA_SWU_ENTRIES_MAX; i++)
		used += (size_t)snprintf(text + used, 64, "%s{ type = \"%d\"; }", i ? "," : "", i);
	(void)snprintf(text + used, 64, "); };");
	refuses(text, "more than 256 entries");
	used = (size_t)snprintf(text, JOTA_SWU_TEXT_MAX, "software = { images: ( { properties: {");
	for (int i = 0; i <= JOTA_SWU_PROPERTIES_MAX; i++)
		used += (size_t)snprintf(text + used, 64, "p%d = \"\";", i);
	(void)snprintf(text + used, 64, "}; } ); };");
	refuses(text, "more than 64 properties");
	used = 0;
	for (int i = 0; i < 30; i++)
		used += (size_t)snprintf(text + used, 64, "%s = {", i ? "g" : "software");
	for (int i = 0; i < 30; i++)
		used += (size_t)snprintf(text + used, 64, "};");
	refuses(text, "deep");
	free(text);
}
END_TEST

START_TEST(test_cve_class_deep_nesting_does_not_overflow)
{
	char *text = malloc(400002);

	memset(text, '(', 400000);
	memcpy(text, "software = ", 11);
	text[400000] = '\0';
	ck_assert_int_eq(jota_swu_description_parse("d", text, &d, &err), -EBADMSG);
	free(text);
}
END_TEST

static const char *const bad_hashes[] = {
	"",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"abababababababababababababababababababababababababababababababa",
	"ababababababababababababababababababababababababababababababababa",
	"abababababababababababababababababababababababababababababababag",
	"0xabababababababababababababababababababababababababababababababab",
	" babababababababababababababababababababababababababababababababa",
};

START_TEST(test_cve_class_hash_empty_short_or_zero_is_none)
{
	uint8_t hash[32];

	ck_assert(!jota_swu_hash_parse(bad_hashes[_i], hash));
}
END_TEST

START_TEST(a_hash_is_read_in_both_cases)
{
	uint8_t hash[32];

	ck_assert(jota_swu_hash_parse(
		"00FFabcdef0123456789ABCDEF000000000000000000000000000000000000ff", hash));
	ck_assert_uint_eq(hash[0], 0);
	ck_assert_uint_eq(hash[1], 255);
	ck_assert_uint_eq(hash[2], 0xab);
	ck_assert_uint_eq(hash[31], 255);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("swu/description");
	TCase *tc = tcase_create("description");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, every_attribute_is_taken);
	tcase_add_test(tc, values_of_a_wrong_kind_and_unknown_attributes_are_named);
	tcase_add_loop_test(tc, test_cve_class_sizes_keep_their_value, 0, COUNT(offsets));
	tcase_add_test(tc, each_section_is_found_where_swupdate_finds_it);
	tcase_add_test(tc, files_and_partitions_stand_before_images);
	tcase_add_test(tc, links_are_followed);
	tcase_add_test(tc, a_link_to_nowhere_is_an_entry_that_says_so);
	tcase_add_test(tc, links_that_go_round_are_refused);
	tcase_add_test(tc, links_that_multiply_are_refused);
	tcase_add_test(tc, a_group_that_links_to_itself_has_no_entries);
	tcase_add_test(tc, bootenv_and_its_old_name);
	tcase_add_test(tc, flags_are_those_of_the_view);
	tcase_add_test(tc, an_sbom_is_carried_in_no_view);
	tcase_add_test(tc, syntax_errors_name_the_line);
	tcase_add_test(tc, json_is_named);
	tcase_add_test(tc, another_file_is_never_read);
	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, test_cve_class_deep_nesting_does_not_overflow);
	tcase_add_loop_test(tc, test_cve_class_hash_empty_short_or_zero_is_none, 0,
			    COUNT(bad_hashes));
	tcase_add_test(tc, a_hash_is_read_in_both_cases);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
