/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/build.h"

#include "base/err.h"
#include "base/io.h"
#include "support/bootimg_make.h"
#include "support/run.h"
#include "swu/certificate.h"
#include "swu/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#define KIB 1024u
#define ROOTFS_BYTES (700 * KIB + 3)
#define EPOCH_S 1700000000
#define HARDWARE "version = \"2.0\"; hardware: { board = \"b\"; revisions = [ \"1.0\" ]; };\n"
#define SIGNED "signing: { signers: ( { certificate = \"rsa.pem\"; key = \"rsa.key\"; } ); };\n"
#define IMAGES                                                                                     \
	"components: ( { role = \"kernel\"; file = \"boot.img\"; },\n"                             \
	"  { role = \"rootfs\"; file = \"root.ext4\"; compress = \"zstd\"; } );\n"
#define GOOD "layout = \"t234\";\n" HARDWARE IMAGES SIGNED

static struct scratch scratch;
static EVP_PKEY *key;
static X509 *certificate;
static uint8_t *boot;
static size_t boot_bytes;
static uint8_t rootfs[ROOTFS_BYTES];
static char out_path[PATH_MAX], warnings[1024];
static struct jota_recipe recipe;

static const char *const files[] = { "/update.conf", "/boot.img", "/root.ext4", "/rsa.pem",
				     "/rsa.key",     "/aes.key",  "/sbom.json", "/empty",
				     "/own",	     "/out.swu",  "/again.swu", "/root.tar" };

static void make_once(void)
{
	static const struct wanted w = { "signer", .until_s = 365 * DAY_S };
	static const struct bootimg_spec spec = { .kernel_bytes = 300 * KIB };

	key = make_key(true);
	certificate = make_certificate(&w, key, NULL, NULL);
	boot = bootimg_make(&spec, &boot_bytes);
	for (size_t i = 0; i < sizeof(rootfs); i++)
		rootfs[i] = (uint8_t)(i % 1000 < 500 ? 0 : i * i >> 3);
}

static void drop_once(void)
{
	EVP_PKEY_free(key);
	X509_free(certificate);
	free(boot);
}

static void setup(void)
{
	scratch_make(&scratch);
	scratch_write(&scratch, "/boot.img", boot, boot_bytes);
	scratch_write(&scratch, "/root.ext4", rootfs, sizeof(rootfs));
	save_certificate(&scratch, "/rsa.pem", certificate);
	save_key(&scratch, "/rsa.key", key, NULL);
	scratch_text(&scratch, "/aes.key",
		     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		     "000102030405060708090a0b0c0d0e0f\n");
	scratch_text(&scratch, "/sbom.json", "{ \"spdxVersion\": \"SPDX-2.3\" }\n");
	scratch_text(&scratch, "/empty", "");
	scratch_path(&scratch, "/out.swu", out_path);
	warnings[0] = '\0';
}

static void teardown(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		scratch_drop(&scratch, files[i]);
	scratch_remove(&scratch);
	if (recipe.path)
		jota_recipe_done(&recipe);
}

static void note(void *ctx, const char *sentence)
{
	size_t used = strlen(warnings);

	(void)ctx;
	(void)snprintf(warnings + used, sizeof(warnings) - used, "%s\n", sentence);
}

static struct jota_build build_of(const struct jota_io *io)
{
	struct jota_build b = { .recipe = &recipe,
				.io = io,
				.out_path = out_path,
				.workers = 2,
				.epoch_s = EPOCH_S,
				.talk = { .warn = note } };

	return b;
}

static void read_recipe(const char *text)
{
	struct jota_err err = { 0 };
	char path[PATH_MAX];

	scratch_path(&scratch, "/update.conf", path);
	if (recipe.path)
		jota_recipe_done(&recipe);
	ck_assert_msg(jota_recipe_parse(path, text, &recipe, &err) == 0, "said: %s", err.msg);
}

static int run_text(const char *text, struct jota_build_report *report, struct jota_err *err)
{
	struct jota_build b;

	read_recipe(text);
	b = build_of(&scratch.io);
	return jota_build_run(&b, report, err);
}

static void run_good(const char *text)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };

	ck_assert_msg(run_text(text, &report, &err) == 0, "said: %s", err.msg);
	jota_build_report_done(&report);
}

/* No file but those of setup, so nothing half done. */
static void check_nothing_left(void)
{
	DIR *dir = opendir(scratch.root);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		ck_assert_msg(strncmp(entry->d_name, "out.swu", 7) != 0, "left over: %s",
			      entry->d_name);
	(void)closedir(dir);
}

static void check_verifies(const char *aes)
{
	struct jota_swu_trust trust = { .method = recipe.signing.method };
	struct jota_swu_verify_options options = { .trust = &trust, .layout = recipe.layout };
	struct jota_swu_report report;
	struct jota_err err = { 0 };
	char anchors[PATH_MAX], aes_path[PATH_MAX];

	scratch_path(&scratch, "/rsa.pem", anchors);
	trust.anchors = anchors;
	if (aes) {
		scratch_path(&scratch, aes, aes_path);
		options.aes_key = aes_path;
	}
	ck_assert_msg(jota_swu_verify(out_path, &options, &report, &err) == 0, "said: %s", err.msg);
	for (size_t i = 0; i < report.findings.count; i++)
		ck_assert_msg(!report.findings.finding[i].fatal, "found: %s",
			      report.findings.finding[i].text);
	ck_assert(report.signature_checked);
	jota_swu_report_done(&report);
}

/* What must come out good. */
static const char *const good[] = {
	GOOD,
	"layout = \"t234\";\n" HARDWARE SIGNED
	"encryption: { key = \"aes.key\"; }; sbom: ( { file = \"sbom.json\"; } );\n"
	"components: ( { role = \"kernel\"; file = \"boot.img\"; encrypt = true; },\n"
	"  { role = \"rootfs\"; file = \"root.ext4\"; compress = \"zlib\"; encrypt = true; } );\n",
	"layout = \"mission\";\n" HARDWARE SIGNED
	"components: ( { role = \"bootloader\"; keep = true; }, { role = \"kernel\"; file = "
	"\"boot.img\"; }, { role = \"rootfs\"; file = \"root.ext4\"; } );\n",
	"version = \"2\"; hardware: ( { board = \"b\"; revisions = \"1\"; }, { board = \"c\"; "
	"revisions = [ \"1\", \"2\" ]; } );\n" IMAGES SIGNED,
	GOOD "device: { signature = \"cms\"; };",
};

START_TEST(what_is_built_is_what_verify_calls_good)
{
	run_good(good[_i]);
	check_verifies(strstr(good[_i], "aes.key") ? "/aes.key" : NULL);
}
END_TEST

static uint8_t *read_whole(const char *path, size_t *ret_bytes)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(4096 * KIB);

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(data);
	*ret_bytes = fread(data, 1, 4096 * KIB, f);
	ck_assert_uint_lt(*ret_bytes, 4096 * KIB);
	ck_assert_int_eq(fclose(f), 0);
	return data;
}

START_TEST(the_same_inputs_give_the_same_bytes)
{
	size_t bytes[2];
	uint8_t *data[2];

	for (int i = 0; i < 2; i++) {
		scratch_path(&scratch, i ? "/again.swu" : "/out.swu", out_path);
		run_good(GOOD);
		data[i] = read_whole(out_path, &bytes[i]);
		if (i == 0)
			(void)sleep(1);
	}
	ck_assert_uint_eq(bytes[0], bytes[1]);
	ck_assert_mem_eq(data[0], data[1], bytes[0]);
	free(data[0]);
	free(data[1]);
}
END_TEST

/* What is refused before anything is written, and why. */
static const struct {
	const char *text, *says;
} refused[] = {
	{ HARDWARE SIGNED "components: ( { role = \"kernel\"; file = \"absent\"; } );",
	  "No such file" },
	{ HARDWARE SIGNED "components: ( { role = \"kernel\"; file = \"empty\"; } );", "is empty" },
	{ HARDWARE SIGNED
	  "components: ( { role = \"kernel\"; file = \"/dev/zero\"; name = \"z\"; } );",
	  "is no plain file" },
	{ HARDWARE SIGNED "components: ( { role = \"kernel\"; file = \"/\"; name = \"z\"; } );",
	  "is no plain file" },
	{ HARDWARE SIGNED
	  "components: ( { role = \"kernel\"; file = \"boot.img\"; }, { role = \"rootfs\"; file = "
	  "\"root.tar\"; } );",
	  "is a tar" },
	{ "layout = \"mission\";" HARDWARE IMAGES SIGNED, "half-slot" },
	{ HARDWARE SIGNED
	  "layout = \"t234\"; components: ( { role = \"kernel\"; file = \"root.ext4\"; "
	  "}, { role = \"rootfs\"; file = \"boot.img\"; } );",
	  "root.ext4': " },
	{ GOOD "device: { signature = \"rsa\"; };", "signs with cms, but the devices" },
	{ GOOD "encryption: { key = \"sbom.json\"; };", "sbom.json" },
};

START_TEST(what_no_device_takes_is_not_built)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };

	ck_assert_int_lt(run_text(refused[_i].text, &report, &err), 0);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "'%s' is not in: %s",
		      refused[_i].says, err.msg);
	check_nothing_left();
}
END_TEST

START_TEST(an_input_that_is_a_pipe_does_not_block)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };
	char path[PATH_MAX];

	scratch_path(&scratch, "/own", path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(run_text(HARDWARE SIGNED
				  "components: ( { role = \"kernel\"; file = \"own\"; } );",
				  &report, &err),
			 -EINVAL);
}
END_TEST

START_TEST(a_file_above_4_gib_is_refused_unless_it_is_compressed)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };
	char path[PATH_MAX];

	scratch_path(&scratch, "/root.ext4", path);
	ck_assert_int_eq(truncate(path, INT64_C(1) << 32), 0);
	ck_assert_int_eq(run_text("layout = \"mission\";" HARDWARE SIGNED
				  "components: ( { role = \"bootloader\"; file = \"root.ext4\"; }, "
				  "{ role = \"kernel\"; keep = true; }, "
				  "{ role = \"rootfs\"; file = \"boot.img\"; } );",
				  &report, &err),
			 -EFBIG);
	ck_assert_msg(strstr(err.msg, "4 GiB - 1: set compress") != NULL, "said: %s", err.msg);
	check_nothing_left();
}
END_TEST

START_TEST(a_part_that_is_as_large_as_that_is_refused_as_well)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };
	char path[PATH_MAX];

	scratch_path(&scratch, "/root.ext4", path);
	ck_assert_int_eq(truncate(path, (INT64_C(1) << 32) + 1), 0);
	ck_assert_int_eq(run_text("layout = \"t234\";" HARDWARE SIGNED
				  "components: ( { role = \"kernel\"; file = \"boot.img\"; }, "
				  "{ role = \"rootfs\"; file = \"root.ext4\"; split = 4; } );",
				  &report, &err),
			 -EFBIG);
	ck_assert_msg(strstr(err.msg, "'root.ext4.part01' has 4294967296") != NULL, "said: %s",
		      err.msg);
	ck_assert_msg(strstr(err.msg, "set split = 3") != NULL, "said: %s", err.msg);
	check_nothing_left();
}
END_TEST

START_TEST(an_output_that_exists_stays_unless_it_is_forced)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };
	struct jota_build b;
	size_t bytes;
	uint8_t *data;

	scratch_text(&scratch, "/out.swu", "old\n");
	ck_assert_int_eq(run_text(GOOD, &report, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "--force"));
	data = read_whole(out_path, &bytes);
	ck_assert_uint_eq(bytes, 4);
	free(data);
	b = build_of(&scratch.io);
	b.force = true;
	ck_assert_int_eq(jota_build_run(&b, &report, &err), 0);
	jota_build_report_done(&report);
	check_verifies(NULL);
}
END_TEST

START_TEST(two_runs_do_not_write_the_same_file)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };

	scratch_text(&scratch, "/out.swu.partial", "");
	ck_assert_int_eq(run_text(GOOD, &report, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "another run is at work"));
	/* It is the other run's. */
	scratch_drop(&scratch, "/out.swu.partial");
	check_nothing_left();
}
END_TEST

/* The k-th write or sync fails. */
struct failing {
	atomic_int left;
};

static ssize_t write_until(void *ctx, int fd, const void *data, size_t len, uint64_t at)
{
	struct failing *f = ctx;

	if (atomic_fetch_sub(&f->left, 1) == 0) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite(fd, data, len, (off_t)at);
}

static int sync_until(void *ctx, int fd)
{
	struct failing *f = ctx;

	(void)fd;
	if (atomic_fetch_sub(&f->left, 1) == 0) {
		errno = EIO;
		return -1;
	}
	return 0;
}

START_TEST(no_failing_write_leaves_half_a_file)
{
	static const struct jota_io_ops ops = { write_until, sync_until };
	struct failing f = { 0 };
	struct jota_io io = scratch.io;
	int rc = -1, failures = 0;

	io.ops = &ops;
	io.ctx = &f;
	read_recipe(GOOD);
	for (int k = 0; rc < 0; k++) {
		struct jota_build b = build_of(&io);
		struct jota_build_report report;
		struct jota_err err = { 0 };

		ck_assert_int_lt(k, 200);
		atomic_store(&f.left, k);
		rc = jota_build_run(&b, &report, &err);
		if (rc == 0) {
			jota_build_report_done(&report);
			break;
		}
		failures++;
		ck_assert_msg(rc == -ENOSPC || rc == -EIO, "%d: %s", rc, err.msg);
		/* Only the sync of the folder comes after the rename: the file is whole then. */
		if (access(out_path, F_OK) == 0) {
			check_verifies(NULL);
			ck_assert_int_eq(unlink(out_path), 0);
		}
		check_nothing_left();
	}
	ck_assert_int_gt(failures, 10);
	check_verifies(NULL);
}
END_TEST

START_TEST(an_own_description_is_completed)
{
	scratch_text(
		&scratch, "/own",
		"# a comment\nsoftware = { version = \"@VERSION@\"; b = {\n"
		"hardware-compatibility: [ \"1.0\" ];\n"
		"images: ( { filename = \"boot.img\"; type = \"jetson-bootimg\"; sha256 = "
		"\"@SHA256:boot.img@\"; installed-directly = true; },\n"
		"{ filename = \"root.zst\"; type = \"jetson-rootfs\"; installed-directly = true; } "
		");\n"
		"scripts: ( { type = \"jetson-postinstall\"; properties: { images = \"boot.img "
		"root.zst\"; }; } ); }; };\n");
	run_good("version = \"7\"; layout = \"t234\"; description = \"own\";\n"
		 "encryption: { key = \"aes.key\"; }; sbom: ( { file = \"sbom.json\"; } );\n"
		 "files: ( { name = \"root.zst\"; file = \"root.ext4\"; compress = \"zstd\"; encrypt = "
		 "true; } );\n" SIGNED);
	check_verifies("/aes.key");
}
END_TEST

/* A user's own description that cannot become a good one. */
static const struct {
	const char *own, *more, *says;
} own_refused[] = {
	{ "software = { version = \"@VERSION@\"; b = { hardware-compatibility: [ \"1\" ]; images: ( { "
	  "filename = \"boot.img\"; type = \"jetson-bootimg\"; } ); }; };",
	  "", "'@VERSION@' is left over" },
	{ "software = { version = \"1\"; images: ( { filename = \"absent\"; type = \"raw\"; } ); };",
	  "", "No such file" },
	{ "software = { version = \"1\"; images: ( { filename = \"../boot.img\"; type = \"raw\"; } ); };",
	  "", "leaves its folder" },
	{ "software = { version = \"1\"; images: ( { filename = \"boot.img\"; type = \"jetson-bootimg\"; "
	  "encrypted = true; } ); };",
	  "", "has no ivt" },
	{ "software = { version = \"1\"; images: ( { filename = \"boot.img\"; type = \"jetson-bootimg\"; "
	  "compressed = \"zstd\"; } ); };",
	  "", "as zstd" },
	{ "software = { version = \"1\"; images: ( { filename = \"boot.img\"; type = \"jetson-bootimg\"; } "
	  "); };",
	  "files: ( { name = \"x\"; file = \"boot.img\"; } );", "'x' is named nowhere" },
	{ "software = {", "", "line 1" },
	{ "firmware = { };", "", "" },
};

START_TEST(a_bad_description_of_ones_own_is_refused)
{
	struct jota_build_report report;
	struct jota_err err = { 0 };
	char text[1024];

	scratch_text(&scratch, "/own", own_refused[_i].own);
	(void)snprintf(text, sizeof(text), "description = \"own\"; %s" SIGNED, own_refused[_i].more);
	ck_assert_int_lt(run_text(text, &report, &err), 0);
	ck_assert_msg(strstr(err.msg, own_refused[_i].says) != NULL, "said: %s", err.msg);
	check_nothing_left();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("build");
	TCase *tc = tcase_create("build");

	tcase_add_unchecked_fixture(tc, make_once, drop_once);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_is_built_is_what_verify_calls_good, 0,
			    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_test(tc, the_same_inputs_give_the_same_bytes);
	tcase_add_loop_test(tc, what_no_device_takes_is_not_built, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, an_input_that_is_a_pipe_does_not_block);
	tcase_add_test(tc, a_file_above_4_gib_is_refused_unless_it_is_compressed);
	tcase_add_test(tc, a_part_that_is_as_large_as_that_is_refused_as_well);
	tcase_add_test(tc, an_output_that_exists_stays_unless_it_is_forced);
	tcase_add_test(tc, two_runs_do_not_write_the_same_file);
	tcase_add_test(tc, no_failing_write_leaves_half_a_file);
	tcase_add_test(tc, an_own_description_is_completed);
	tcase_add_loop_test(tc, a_bad_description_of_ones_own_is_refused, 0,
			    (int)(sizeof(own_refused) / sizeof(own_refused[0])));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
