/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "swu/sign.h"

#include "base/err.h"
#include "support/run.h"
#include "swu/certificate.h"
#include "swu/verify.h"

#include <errno.h>
#include <time.h>

#define TEXT "software = { version = \"1\"; };\n"
#define PASSPHRASE "correct horse"
#define YEAR_S (365 * DAY_S)

static struct scratch scratch;
static char warnings[1024];
static char offered[64]; /* what is answered when a passphrase is asked for */
static struct jota_recipe recipe;

/* Names of the files that setup makes. */
static const char *const files[] = { "/ca.pem",	    "/ec.pem",	 "/ec.key",   "/rsa.pem",
				     "/rsa.key",    "/old.pem",	 "/new.pem",  "/soon.pem",
				     "/server.pem", "/code.pem", "/weak.pem", "/weak.key",
				     "/locked.key", "/rsa.pub",	 "/junk" };

/* Keys are made once: RSA takes its time. */
static EVP_PKEY *ca_key, *ec_key, *rsa_key, *weak_key;
static X509 *ca;

static void save_issued(const char *path, const struct wanted *w, EVP_PKEY *key)
{
	X509 *cert = make_certificate(w, key, ca, ca_key);

	save_certificate(&scratch, path, cert);
	X509_free(cert);
}

static void make_keys(void)
{
	static const struct wanted authority = { "authority", .ca = true, .until_s = YEAR_S };

	ca_key = make_key(false);
	ec_key = make_key(false);
	rsa_key = make_key(true);
	weak_key = EVP_RSA_gen(1024);
	ca = make_certificate(&authority, ca_key, NULL, NULL);
}

static void drop_keys(void)
{
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(ec_key);
	EVP_PKEY_free(rsa_key);
	EVP_PKEY_free(weak_key);
	X509_free(ca);
}

static void save_all(void)
{
	save_certificate(&scratch, "/ca.pem", ca);
	save_issued("/ec.pem",
		    &(struct wanted){ "ec", .usage = "emailProtection", .until_s = YEAR_S }, ec_key);
	save_issued("/rsa.pem", &(struct wanted){ "rsa", .until_s = YEAR_S }, rsa_key);
	save_issued("/old.pem",
		    &(struct wanted){ "old", .from_s = -2 * YEAR_S, .until_s = -YEAR_S }, ec_key);
	save_issued("/new.pem", &(struct wanted){ "new", .from_s = YEAR_S, .until_s = 2 * YEAR_S },
		    ec_key);
	save_issued("/soon.pem", &(struct wanted){ "soon", .until_s = 10 * DAY_S }, ec_key);
	save_issued("/server.pem",
		    &(struct wanted){ "server", .usage = "serverAuth", .until_s = YEAR_S }, ec_key);
	save_issued("/code.pem",
		    &(struct wanted){ "code", .usage = "codeSigning", .until_s = YEAR_S }, ec_key);
	save_issued("/weak.pem", &(struct wanted){ "weak", .until_s = YEAR_S }, weak_key);
	save_key(&scratch, "/ec.key", ec_key, NULL);
	save_key(&scratch, "/rsa.key", rsa_key, NULL);
	save_key(&scratch, "/weak.key", weak_key, NULL);
	save_key(&scratch, "/locked.key", ec_key, PASSPHRASE);
	save_public_key(&scratch, "/rsa.pub", rsa_key);
	scratch_text(&scratch, "/junk", "this is no PEM\n");
}

static void setup(void)
{
	scratch_make(&scratch);
	save_all();
	warnings[0] = '\0';
	(void)snprintf(offered, sizeof(offered), PASSPHRASE);
}

static void teardown(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		scratch_drop(&scratch, files[i]);
	scratch_remove(&scratch);
	if (recipe.path)
		jota_recipe_done(&recipe);
}

static int answer(void *ctx, const char *what, char *buf, size_t buf_bytes, struct jota_err *err)
{
	(void)ctx;
	(void)what;
	if (offered[0] == '\0')
		return jota_fail(err, EACCES, "nobody there.");
	ck_assert_int_lt(snprintf(buf, buf_bytes, "%s", offered), (int)buf_bytes);
	return 0;
}

static void note(void *ctx, const char *sentence)
{
	size_t used = strlen(warnings);

	(void)ctx;
	(void)snprintf(warnings + used, sizeof(warnings) - used, "%s\n", sentence);
}

static const struct jota_sign_talk talk = { .ask = answer, .warn = note };

/* signing: the group's content, as in update.conf. */
static int open_signing(const char *signing, int64_t epoch, struct jota_signing **ret,
			struct jota_err *err)
{
	char path[PATH_MAX], text[2048];

	scratch_path(&scratch, "/update.conf", path);
	ck_assert_int_lt(
		snprintf(text, sizeof(text),
			 "version = \"1\"; hardware: { board = \"b\"; revisions = \"1\"; };\n"
			 "components: ( { role = \"kernel\"; file = \"k\"; } );\n"
			 "signing: { %s };",
			 signing),
		(int)sizeof(text));
	ck_assert_msg(jota_recipe_parse(path, text, &recipe, err) == 0, "said: %s", err->msg);
	return jota_signing_open(&recipe.signing, epoch, &talk, ret, err);
}

static void check_verifies(const char *anchors, const char *purpose, const uint8_t *sig,
			   size_t sig_bytes)
{
	struct jota_swu_signer signer[JOTA_SWU_SIGNERS_MAX];
	struct jota_swu_findings f = { 0 };
	char path[PATH_MAX];
	struct jota_swu_trust trust = { .method = recipe.signing.method, .purpose = purpose };
	struct jota_err err = { 0 };
	size_t count = 0;

	scratch_path(&scratch, anchors, path);
	trust.anchors = path;
	ck_assert_msg(jota_swu_signature_check(&trust, TEXT, strlen(TEXT), sig, sig_bytes, &f,
					       signer, &count, &err) == 0,
		      "said: %s", err.msg);
	for (size_t i = 0; i < f.count; i++)
		ck_assert_msg(!f.finding[i].fatal, "found: %s", f.finding[i].text);
	jota_swu_findings_done(&f);
}

#define EC "certificate = \"ec.pem\"; key = \"ec.key\";"
#define RSA "certificate = \"rsa.pem\"; key = \"rsa.key\";"
#define BY_DIGEST                                                                                  \
	"command = [ \"openssl\", \"pkeyutl\", \"-sign\", \"-pkeyopt\", \"digest:sha256\", "       \
	"\"-inkey\", \"%s/"

/* What a device of the right kind must accept. %1$s becomes the scratch folder. */
static const struct {
	const char *signing, *anchors, *purpose;
} good[] = {
	{ "signers: ( { " EC " } );", "/ca.pem", NULL },
	{ "signers: ( { " RSA " } );", "/ca.pem", NULL },
	{ "digest = \"sha512\"; chain = \"ca.pem\"; signers: ( { " RSA " } );", "/ca.pem", NULL },
	{ "signers: ( { " EC " }, { " RSA " } );", "/ca.pem", NULL },
	{ "purpose = \"codeSigning\"; signers: ( { certificate = \"code.pem\"; key = \"ec.key\"; } );",
	  "/ca.pem", "codeSigning" },
	{ "signers: ( { certificate = \"ec.pem\"; key = \"locked.key\"; } );", "/ca.pem", NULL },
	{ "method = \"rsa\"; signers: ( { key = \"rsa.key\"; } );", "/rsa.pub", NULL },
	{ "method = \"rsa-pss\"; signers: ( { key = \"rsa.key\"; } );", "/rsa.pub", NULL },
	{ "method = \"rsa\"; signers: ( { public_key = \"rsa.pub\"; " BY_DIGEST "rsa.key\" ]; } );",
	  "/rsa.pub", NULL },
	{ "method = \"rsa-pss\"; signers: ( { public_key = \"rsa.pub\"; command = [ \"openssl\", "
	  "\"dgst\", \"-sha256\", \"-sigopt\", \"rsa_padding_mode:pss\", \"-sign\", "
	  "\"%s/rsa.key\" ]; command_input = \"data\"; } );",
	  "/rsa.pub", NULL },
	{ "signers: ( { certificate = \"ec.pem\"; " BY_DIGEST "ec.key\" ]; } );", "/ca.pem", NULL },
};

/* The only %s of a table's row is the folder; -Wformat cannot see a format in a table. */
static void put_folder(const char *signing, char *buf, size_t buf_bytes)
{
	const char *mark = strstr(signing, "%s");
	int head = (int)(mark ? (size_t)(mark - signing) : strlen(signing));

	ck_assert_int_lt(snprintf(buf, buf_bytes, "%.*s%s%s", head, signing,
				  mark ? scratch.root : "", mark ? mark + 2 : ""),
			 (int)buf_bytes);
}

START_TEST(a_device_of_the_right_kind_accepts_it)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };
	char signing[1024];
	size_t sig_bytes = 0;
	uint8_t *sig = NULL;

	put_folder(good[_i].signing, signing, sizeof(signing));
	ck_assert_msg(open_signing(signing, -1, &s, &err) == 0, "said: %s", err.msg);
	ck_assert_msg(jota_signing_sign(s, TEXT, strlen(TEXT), &sig, &sig_bytes, NULL, &err) == 0,
		      "said: %s", err.msg);
	check_verifies(good[_i].anchors, good[_i].purpose, sig, sig_bytes);
	free(sig);
	jota_signing_free(s);
}
END_TEST

/* What must be refused before it signs, and the reason. */
static const struct {
	const char *signing, *says;
} refused[] = {
	{ "signers: ( { certificate = \"old.pem\"; key = \"ec.key\"; } );", "expired at " },
	{ "signers: ( { certificate = \"new.pem\"; key = \"ec.key\"; } );", "not yet valid" },
	{ "signers: ( { certificate = \"server.pem\"; key = \"ec.key\"; } );",
	  "is not for signing updates" },
	{ "signers: ( { certificate = \"code.pem\"; key = \"ec.key\"; } );",
	  "needs purpose = \"codeSigning\"" },
	{ "purpose = \"codeSigning\"; signers: ( { " EC " } );", "is not for signing updates" },
	{ "signers: ( { certificate = \"ec.pem\"; key = \"rsa.key\"; } );", "does not belong to" },
	{ "signers: ( { certificate = \"weak.pem\"; key = \"weak.key\"; } );", "1024 bits" },
	{ "signers: ( { certificate = \"junk\"; key = \"ec.key\"; } );",
	  "holds no certificate in PEM" },
	{ "signers: ( { certificate = \"ec.pem\"; key = \"junk\"; } );",
	  "holds no private key in PEM" },
	{ "signers: ( { certificate = \"ec.pem\"; key = \"absent\"; } );", "No such file" },
	{ "signers: ( { certificate = \"ec.pem\"; key = \"/dev/zero\"; } );",
	  "is no file with a key" },
	{ "signers: ( { " EC " }, { " EC " } );", "signs twice" },
	{ "digest = \"md5\"; signers: ( { " EC " } );", "digest 'md5'" },
	{ "digest = \"sha1\"; signers: ( { " EC " } );", "digest 'sha1'" },
	{ "method = \"rsa\"; signers: ( { key = \"ec.key\"; } );", "needs an RSA key" },
	{ "chain = \"junk\"; signers: ( { " EC " } );", "holds no certificate" },
};

START_TEST(what_devices_would_refuse_does_not_sign)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };

	ck_assert_int_lt(open_signing(refused[_i].signing, -1, &s, &err), 0);
	ck_assert_msg(strstr(err.msg, refused[_i].says) != NULL, "'%s' is not in: %s",
		      refused[_i].says, err.msg);
}
END_TEST

START_TEST(a_wrong_passphrase_is_called_one)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };

	(void)snprintf(offered, sizeof(offered), "wrong");
	ck_assert_int_eq(
		open_signing("signers: ( { certificate = \"ec.pem\"; key = \"locked.key\"; } );",
			     -1, &s, &err),
		-EACCES);
	ck_assert_msg(strstr(err.msg, "passphrase for") != NULL, "said: %s", err.msg);
}
END_TEST

START_TEST(without_a_passphrase_the_reason_is_passed_on)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };

	offered[0] = '\0';
	ck_assert_int_eq(
		open_signing("signers: ( { certificate = \"ec.pem\"; key = \"locked.key\"; } );",
			     -1, &s, &err),
		-EACCES);
	ck_assert_str_eq(err.msg, "nobody there.");
}
END_TEST

START_TEST(a_certificate_that_ends_soon_gives_a_warning)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };

	ck_assert_int_eq(
		open_signing("signers: ( { certificate = \"soon.pem\"; key = \"ec.key\"; } );", -1,
			     &s, &err),
		0);
	ck_assert_msg(strstr(warnings, "in less than 30 days") != NULL, "warned: %s", warnings);
	jota_signing_free(s);
}
END_TEST

START_TEST(a_chain_that_debian_does_not_read_gives_a_warning)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };

	ck_assert_int_eq(open_signing("chain = \"ca.pem\"; signers: ( { " EC " } );", -1, &s, &err),
			 0);
	ck_assert_msg(strstr(warnings, "its -k file must hold") != NULL, "warned: %s", warnings);
	jota_signing_free(s);
}
END_TEST

START_TEST(a_key_that_others_can_read_gives_a_warning)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };
	char path[PATH_MAX];

	scratch_path(&scratch, "/ec.key", path);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(open_signing("signers: ( { " EC " } );", -1, &s, &err), 0);
	ck_assert_msg(strstr(warnings, "chmod 0600") != NULL, "warned: %s", warnings);
	jota_signing_free(s);
}
END_TEST

START_TEST(rsa_and_a_fixed_time_give_the_same_bytes_twice)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };
	uint8_t *sig[2] = { NULL };
	size_t sig_bytes[2];

	ck_assert_int_eq(open_signing("signers: ( { " RSA " } );", 1700000000, &s, &err), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(jota_signing_sign(s, TEXT, strlen(TEXT), &sig[i], &sig_bytes[i],
						   NULL, &err),
				 0);
		if (i == 0)
			(void)sleep(1);
	}
	ck_assert_uint_eq(sig_bytes[0], sig_bytes[1]);
	ck_assert_mem_eq(sig[0], sig[1], sig_bytes[0]);
	free(sig[0]);
	free(sig[1]);
	jota_signing_free(s);
}
END_TEST

START_TEST(the_typical_length_is_the_most_frequent_one)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };
	unsigned hits = 0;

	ck_assert_int_eq(open_signing("signers: ( { " EC " } );", -1, &s, &err), 0);
	for (int i = 0; i < 64; i++) {
		size_t sig_bytes = 0, typical = 0;
		uint8_t *sig = NULL;

		ck_assert_int_eq(
			jota_signing_sign(s, TEXT, strlen(TEXT), &sig, &sig_bytes, &typical, &err),
			0);
		hits += sig_bytes == typical;
		free(sig);
	}
	/* Half of them by chance; 10 or fewer would be a wonder. */
	ck_assert_uint_gt(hits, 10);
	jota_signing_free(s);
}
END_TEST

/* Programs that are no good signers. */
static const struct {
	const char *command, *says;
	int rc;
} commands[] = {
	{ "[ \"/nonexistent/signer\" ]", "start the signer", -ENOENT },
	{ "[ \"sh\", \"-c\", \"/nonexistent/signer\" ]", "start the signer 'sh'", -ENOENT },
	{ "[ \"false\" ]", "ended with exit code 1", -EIO },
	{ "[ \"true\" ]", "wrote nothing", -EBADMSG },
	{ "[ \"echo\", \"signed\" ]", "is no valid signature", -EBADMSG },
	{ "[ \"cat\", \"/dev/zero\" ]", "more than a signature", -EBADMSG },
	{ "[ \"sleep\", \"60\" ]; command_timeout = 1", "gave nothing in 1 s", -ETIMEDOUT },
	{ "[ \"sh\", \"-c\", \"kill -9 $$\" ]", "ended by signal 9", -EIO },
	{ "[ \"sh\", \"-c\", \"exec >&-; sleep 60\" ]; command_timeout = 1", "gave nothing in 1 s",
	  -ETIMEDOUT },
};

START_TEST(a_bad_signer_is_found_out)
{
	struct jota_signing *s = NULL;
	struct jota_err err = { 0 };
	char signing[512];
	uint8_t *sig = NULL;
	size_t sig_bytes = 0;
	time_t before = time(NULL);

	(void)snprintf(signing, sizeof(signing),
		       "signers: ( { certificate = \"ec.pem\"; command = %s; } );",
		       commands[_i].command);
	ck_assert_msg(open_signing(signing, -1, &s, &err) == 0, "said: %s", err.msg);
	ck_assert_int_eq(jota_signing_sign(s, TEXT, strlen(TEXT), &sig, &sig_bytes, NULL, &err),
			 commands[_i].rc);
	ck_assert_msg(strstr(err.msg, commands[_i].says) != NULL, "said: %s", err.msg);
	ck_assert_int_lt(time(NULL) - before, 20);
	jota_signing_free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sign");
	TCase *tc = tcase_create("sign");

	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_device_of_the_right_kind_accepts_it, 0,
			    (int)(sizeof(good) / sizeof(good[0])));
	tcase_add_loop_test(tc, what_devices_would_refuse_does_not_sign, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, a_wrong_passphrase_is_called_one);
	tcase_add_test(tc, without_a_passphrase_the_reason_is_passed_on);
	tcase_add_test(tc, a_certificate_that_ends_soon_gives_a_warning);
	tcase_add_test(tc, a_chain_that_debian_does_not_read_gives_a_warning);
	tcase_add_test(tc, a_key_that_others_can_read_gives_a_warning);
	tcase_add_test(tc, rsa_and_a_fixed_time_give_the_same_bytes_twice);
	tcase_add_test(tc, the_typical_length_is_the_most_frequent_one);
	tcase_add_loop_test(tc, a_bad_signer_is_found_out, 0,
			    (int)(sizeof(commands) / sizeof(commands[0])));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
