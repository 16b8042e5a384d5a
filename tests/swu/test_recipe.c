/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/recipe.h"

#include "base/err.h"
#include "slot/layout.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD                                                                                       \
	"version = \"1.2.3\";\nhardware: { board = \"b\"; revisions = [ \"1.0\", \"1.1\" ]; };\n"
#define SIGNING "signing: { signers: ( { certificate = \"c.pem\"; key = \"/k/c.key\"; } ); };\n"
#define KERNEL "components: ( { role = \"kernel\"; file = \"boot.img\"; } );\n"

static int parse(const char *text, struct jota_recipe *ret, struct jota_err *err)
{
	return jota_recipe_parse("/conf/update.conf", text, ret, err);
}

START_TEST(a_short_file_is_enough)
{
	struct jota_recipe r;
	struct jota_err err = { 0 };

	ck_assert_msg(parse(HEAD KERNEL SIGNING, &r, &err) == 0, "said: %s", err.msg);
	ck_assert_str_eq(r.version, "1.2.3");
	ck_assert_uint_eq(r.board_count, 1);
	ck_assert_str_eq(r.board[0].revisions.item[1], "1.1");
	ck_assert_str_eq(r.component[0].file, "/conf/boot.img");
	ck_assert_str_eq(r.component[0].name, "boot.img");
	ck_assert_int_eq(r.signing.method, JOTA_SIGN_CMS);
	ck_assert_str_eq(r.signing.digest, "sha256");
	ck_assert_str_eq(r.signing.purpose, "emailProtection");
	ck_assert_uint_eq(r.signing.margin_days, 30);
	ck_assert_str_eq(r.signing.signer[0].certificate, "/conf/c.pem");
	ck_assert_str_eq(r.signing.signer[0].key, "/k/c.key");
	ck_assert_uint_eq(r.device_swupdate, 202212);
	ck_assert_ptr_null(r.layout);
	jota_recipe_done(&r);
}
END_TEST

START_TEST(every_key_is_taken)
{
	struct jota_recipe r;
	struct jota_err err = { 0 };

	ck_assert_msg(
		parse("version = \"2\"; text = \"for people\"; layout = \"mission\";\n"
		      "hardware: ( { board = \"a\"; revisions = \"1\"; }, { board = \"b\"; revisions = "
		      "( \"2\" ); } );\n"
		      "components: ( { role = \"bootloader\"; keep = true; },\n"
		      "  { role = \"kernel\"; file = \"b\"; name = \"boot.img\"; compress = \"zlib\"; "
		      "level = 9; },\n"
		      "  { role = \"rootfs\"; file = \"x/root.tar.zst\"; image_size = \"2 GiB\"; label = "
		      "\"APP\"; compress = \"zstd\"; encrypt = true; } );\n"
		      "encryption: { key = \"aes\"; };\n"
		      "sbom: ( { file = \"s/sbom.json\"; }, { file = \"t\"; name = \"t.spdx\"; } );\n"
		      "signing: { method = \"cms\"; digest = \"sha512\"; purpose = \"codeSigning\"; chain "
		      "= \"ca.pem\"; margin_days = 7; signers: ( { certificate = \"c\"; key = "
		      "\"pkcs11:token=x\"; }, { certificate = \"d\"; command = [ \"sign\", \"-x\" ]; "
		      "command_input = \"data\"; command_timeout = 5; } ); };\n"
		      "device: { swupdate = \"2024.05.2\"; signature = \"cms\"; };\n",
		      &r, &err) == 0,
		"said: %s", err.msg);
	ck_assert_str_eq(r.layout->name, "mission");
	ck_assert_uint_eq(r.board_count, 2);
	ck_assert(r.component[0].keep);
	ck_assert_int_eq(r.component[1].level, 9);
	ck_assert_str_eq(r.component[2].name, "root.ext4.zst.enc");
	ck_assert_uint_eq(r.component[2].image_bytes, UINT64_C(2) << 30);
	ck_assert_str_eq(r.sbom[0].name, "sbom.json");
	ck_assert_str_eq(r.sbom[1].name, "t.spdx");
	ck_assert_str_eq(r.signing.signer[0].key, "pkcs11:token=x");
	ck_assert(r.signing.signer[1].command_takes_data);
	ck_assert_uint_eq(r.signing.signer[1].timeout_s, 5);
	ck_assert_str_eq(r.signing.signer[1].command.item[1], "-x");
	ck_assert_uint_eq(r.device_swupdate, 202405);
	ck_assert(r.has_device_signature);
	ck_assert_ptr_eq(jota_recipe_find(&r, "boot.img"), &r.component[1]);
	ck_assert_ptr_null(jota_recipe_find(&r, "b"));
	jota_recipe_done(&r);
}
END_TEST

/* What is wrong, and what the sentence must contain. */
static const struct {
	const char *text, *says;
} refused[] = {
	{ "version = ;", "line 1: syntax error" },
	{ HEAD KERNEL SIGNING "colour = \"red\";", "line 5: key 'colour' is not known here" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; colour = 1; } );",
	  "key 'colour' is not known here" },
	{ "hardware: { board = \"b\"; revisions = \"1\"; };" KERNEL SIGNING, "version is missing" },
	{ "version = \"1\n2\";\nhardware: { board = \"b\"; revisions = \"1\"; };" KERNEL SIGNING,
	  "version '1" },
	{ "version = \"1\";" KERNEL SIGNING, "hardware is missing" },
	{ "version = \"1\"; hardware: { board = \"1b\"; revisions = \"1\"; };" KERNEL SIGNING,
	  "must begin with a letter" },
	{ "version = \"1\"; hardware: { board = \"b\"; };" KERNEL SIGNING,
	  "needs board and revisions" },
	{ HEAD SIGNING, "components is missing" },
	{ HEAD KERNEL, "signing is missing" },
	{ HEAD KERNEL "signing: { };", "line 4: signing is missing or has no signers" },
	{ HEAD SIGNING "components: ( { role = \"dtb\"; file = \"a\"; } );",
	  "line 4: role 'dtb' is not known" },
	{ HEAD SIGNING "components: ( { file = \"a\"; } );", "role is missing" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; } );", "file is missing" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; keep = true; file = \"a\"; } );",
	  "kernel is kept" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; },\n"
		       "{ role = \"kernel\"; file = \"b\"; } );",
	  "line 5: role kernel is given twice, the first time in line 4" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"x/a\"; },\n"
		       "{ role = \"rootfs\"; file = \"y/a\"; } );",
	  "line 5: the name 'a' is given twice" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; name = \"../a\"; } );",
	  "'../a' is not a name" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; name = \"a/b\"; } );",
	  "'a/b' is not a name" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a b\"; } );",
	  "'a b' is not a name" },
	{ HEAD SIGNING
	  "components: ( { role = \"kernel\"; file = \"a\"; name = \"sw-description\"; } "
	  ");",
	  "needs for itself" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; name = \"\"; } );",
	  "name is empty" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; compress = \"lz4\"; } );",
	  "compress 'lz4' is not known" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; compress = \"xz\"; } );",
	  "SWUpdate before 2025.12 cannot unpack xz" },
	{ HEAD SIGNING
	  "components: ( { role = \"kernel\"; file = \"a\"; compress = \"zstd\"; level = 22; } );",
	  "zstd takes 1 to 19" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; level = 2; } );",
	  "level without compress" },
	{ HEAD SIGNING "components: ( { role = \"kernel\"; file = \"a\"; encrypt = true; } );",
	  "encrypt needs encryption" },
	{ HEAD SIGNING
	  "components: ( { role = \"kernel\"; file = \"a\"; image_size = \"1 GiB\"; } );",
	  "image_size is for the rootfs" },
	{ HEAD SIGNING
	  "components: ( { role = \"rootfs\"; file = \"a\"; image_size = \"1 GB\"; } );",
	  "'1 GB' is not a size" },
	{ HEAD SIGNING
	  "components: ( { role = \"rootfs\"; file = \"a\"; image_size = \"99999999 TiB\"; } );",
	  "is not a size" },
	{ HEAD SIGNING "components: ( { role = \"rootfs\"; file = \"a\"; image_size = 4097; } );",
	  "multiple of 4096" },
	{ HEAD SIGNING "components: { };", "role is missing" },
	{ HEAD KERNEL "layout = \"x\";" SIGNING, "layout 'x' is not known, there are: mission" },
	{ HEAD KERNEL "signing: { method = \"gpg\"; signers: ( { key = \"a\"; } ); };",
	  "method 'gpg' is not known, there are: cms, rsa, rsa-pss" },
	{ HEAD KERNEL "signing: { signers: ( { key = \"a\"; } ); };", "needs its certificate" },
	{ HEAD KERNEL "signing: { signers: ( { certificate = \"a\"; } ); };",
	  "needs either key or command" },
	{ HEAD KERNEL "signing: { method = \"rsa\"; signers: ( { command = \"a\"; } ); };",
	  "needs certificate or public_key" },
	{ HEAD KERNEL
	  "signing: { method = \"rsa\"; signers: ( { key = \"a\"; }, { key = \"b\"; } ); };",
	  "has one signature" },
	{ HEAD KERNEL
	  "signing: { method = \"rsa-pss\"; digest = \"sha512\"; signers: ( { key = \"a\"; } ); };",
	  "SWUpdate verifies rsa-pss with sha256 only" },
	{ HEAD KERNEL SIGNING "device: { swupdate = \"22\"; };", "'22' is not a release" },
	{ HEAD KERNEL SIGNING "device: { swupdate = \"2022.13\"; };", "is not a release" },
	{ HEAD KERNEL SIGNING "description = \"d\";", "hardware is for components" },
	{ "description = \"d\";" KERNEL SIGNING, "role is for components" },
	{ HEAD KERNEL SIGNING "files: ( { file = \"a\"; } );", "components and files are given" },
	{ HEAD KERNEL SIGNING "@include \"/etc/passwd\"\n", "line 5: @include is not allowed" },
	{ HEAD KERNEL SIGNING "text = \"a \\\" b\";", "text has quotes" },
};

START_TEST(each_mistake_is_named_with_its_line)
{
	struct jota_recipe r;
	struct jota_err err = { 0 };

	ck_assert_int_eq(parse(refused[_i].text, &r, &err), -EINVAL);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "'%s' is not in: %s",
		      refused[_i].says, err.msg);
	ck_assert_msg(strncmp(err.msg, "/conf/update.conf", 17) == 0, "said: %s", err.msg);
}
END_TEST

START_TEST(a_name_may_have_254_characters_and_no_more)
{
	char name[300];
	struct jota_err err = { 0 };

	memset(name, 'a', sizeof(name));
	name[254] = '\0';
	ck_assert_int_eq(jota_recipe_check_name(name, &err), 0);
	name[254] = 'a';
	name[255] = '\0';
	ck_assert_int_eq(jota_recipe_check_name(name, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "at most 254"));
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	struct jota_recipe r;
	struct jota_err err = { 0 };

	ck_assert_int_eq(jota_recipe_read("/nonexistent/update.conf", &r, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/update.conf"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recipe");
	TCase *tc = tcase_create("recipe");

	tcase_add_test(tc, a_short_file_is_enough);
	tcase_add_test(tc, every_key_is_taken);
	tcase_add_loop_test(tc, each_mistake_is_named_with_its_line, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, a_name_may_have_254_characters_and_no_more);
	tcase_add_test(tc, a_missing_file_is_named);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
