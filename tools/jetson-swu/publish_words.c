/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "publish_words.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/number.h"
#include "show.h"

#define RETRIES_MAX 100
#define TIMEOUT_S_MAX 86400
#define GROUPS_MAX 500

static const char usage_text[] =
	"usage: jetson-swu publish -k TRUST --url URL --user NAME [OPTION]... FILE.swu\n"
	"\n"
	"Verifies FILE.swu as the devices would, then makes sure that a hawkBit server has it: as a\n"
	"software module, its file, and a distribution set. What is there already is left alone; other\n"
	"content under the same name and version is refused.\n"
	"\n"
	"  -k, --trust TRUST       what the devices trust, as for verify\n"
	"      --method METHOD     cms (default), rsa, rsa-pss, as for verify\n"
	"      --purpose WORD, --signer NAME, --crl FILE, --layout NAME, -K, --aes-key FILE\n"
	"                          as for verify\n"
	"      --url URL           of the server, https://HOST; otherwise $HAWKBIT_URL\n"
	"      --user NAME         otherwise $HAWKBIT_USER\n"
	"      --password-file F   first line of F; without this and the next $HAWKBIT_PASSWORD, or a\n"
	"                          terminal is asked\n"
	"      --password-env VAR  from this variable\n"
	"      --cacert FILE       authorities of the server's certificate, PEM, instead of the machine's\n"
	"      --allow-http        send the password in the clear to another machine, too\n"
	"      --name NAME         on the server; otherwise the first board in FILE.swu\n"
	"      --module-type KEY   of the software module (os)\n"
	"      --set-type KEY      of the distribution set (os)\n"
	"      --rollout NAME      make and start this rollout, for the devices of --filter\n"
	"      --filter QUERY      as the server wants it, for example 'id==jetson-*'\n"
	"      --groups N          of the rollout (1)\n"
	"      --assign ID         assign to this device; can be repeated\n"
	"      --retries N         of each step, when nobody answers or the server is busy (4)\n"
	"      --timeout S         seconds without a byte moving until a try is given up (300)\n"
	"      --json              summary as JSON on standard output\n"
	"  -q, --quiet             say nothing but errors\n"
	"      --help              print this text\n"
	"\n"
	"Exit codes: 0 the server has it, 1 refused or failed, 2 wrong usage, 128 + signal when\n"
	"interrupted.\n";

enum {
	OPT_METHOD = 256,
	OPT_PURPOSE,
	OPT_SIGNER,
	OPT_CRL,
	OPT_LAYOUT,
	OPT_URL,
	OPT_USER,
	OPT_PASSWORD_FILE,
	OPT_PASSWORD_ENV,
	OPT_CACERT,
	OPT_ALLOW_HTTP,
	OPT_NAME,
	OPT_MODULE_TYPE,
	OPT_SET_TYPE,
	OPT_ROLLOUT,
	OPT_FILTER,
	OPT_GROUPS,
	OPT_ASSIGN,
	OPT_RETRIES,
	OPT_TIMEOUT,
	OPT_JSON,
};

static int take_number(const char *name, unsigned min, unsigned max, unsigned *ret)
{
	struct jota_err err = { 0 };
	uint64_t value;

	if (jota_parse_u64(name, optarg, min, max, &value, &err) < 0) {
		show_error("publish: %s", err.msg);
		return EXIT_USAGE;
	}
	*ret = (unsigned)value;
	return -1;
}

/* Options that only keep their word. */
static const char **place_of(struct publish_words *w, int option)
{
	switch (option) {
	case 'k':
		return &w->trust.anchors;
	case 'K':
		return &w->verify.aes_key;
	case OPT_PURPOSE:
		return &w->trust.purpose;
	case OPT_SIGNER:
		return &w->trust.signer_name;
	case OPT_CRL:
		return &w->trust.crl;
	case OPT_URL:
		return &w->url;
	case OPT_USER:
		return &w->user;
	case OPT_PASSWORD_FILE:
		return &w->password_file;
	case OPT_PASSWORD_ENV:
		return &w->password_env;
	case OPT_CACERT:
		return &w->ca_file;
	case OPT_NAME:
		return &w->name;
	case OPT_MODULE_TYPE:
		return &w->module_type;
	case OPT_SET_TYPE:
		return &w->set_type;
	case OPT_ROLLOUT:
		return &w->rollout;
	case OPT_FILTER:
		return &w->filter;
	default:
		return NULL;
	}
}

static int take_option(int option, char **argv, struct publish_words *w)
{
	const char **place = place_of(w, option);

	if (place) {
		*place = optarg;
		return -1;
	}
	switch (option) {
	case OPT_METHOD:
		if (jota_sign_method_parse(optarg, &w->trust.method) == 0)
			return -1;
		show_error("publish: method '%s' is not known, there are: cms, rsa, rsa-pss",
			   optarg);
		return EXIT_USAGE;
	case OPT_LAYOUT:
		return find_layout(optarg, &w->verify.layout) ? -1 : EXIT_USAGE;
	case OPT_ALLOW_HTTP:
		w->allow_http = true;
		return -1;
	case OPT_GROUPS:
		return take_number("--groups", 1, GROUPS_MAX, &w->groups);
	case OPT_RETRIES:
		return take_number("--retries", 0, RETRIES_MAX, &w->retries);
	case OPT_TIMEOUT:
		return take_number("--timeout", 1, TIMEOUT_S_MAX, &w->timeout_s);
	case OPT_ASSIGN:
		if (w->target_count < PUBLISH_TARGETS_MAX) {
			w->target[w->target_count++] = optarg;
			return -1;
		}
		show_error("publish: more than %d --assign; use a rollout", PUBLISH_TARGETS_MAX);
		return EXIT_USAGE;
	case OPT_JSON:
		w->json = true;
		return -1;
	case 'q':
		w->quiet = true;
		return -1;
	case 'h':
		(void)fputs(usage_text, stdout);
		return EXIT_GOOD;
	default:
		return show_bad_option("publish", option, argv);
	}
}

static int wrong(const char *what)
{
	show_error("publish: %s; try 'jetson-swu publish --help'", what);
	return EXIT_USAGE;
}

static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] != '\0' ? value : NULL;
}

/* What must fit together, and what the environment adds. */
static int complete(struct publish_words *w)
{
	struct jota_err err = { 0 };
	const char *purpose = w->trust.purpose;

	if (!w->url)
		w->url = from_environment("HAWKBIT_URL");
	if (!w->user)
		w->user = from_environment("HAWKBIT_USER");
	if (!w->password_file && !w->password_env && from_environment("HAWKBIT_PASSWORD"))
		w->password_env = "HAWKBIT_PASSWORD";
	if (!w->trust.anchors)
		return wrong("say what the devices trust with -k TRUST");
	if (!w->url)
		return wrong("name the server with --url or HAWKBIT_URL");
	/* A colon would end the name where it is sent. */
	if (!w->user || w->user[0] == '\0' || strchr(w->user, ':'))
		return wrong("name the user, without a colon, with --user or HAWKBIT_USER");
	if (w->password_file && w->password_env)
		return wrong("--password-file and --password-env exclude each other");
	if (!w->rollout != !w->filter)
		return wrong("--rollout and --filter belong together");
	if (purpose && strcmp(purpose, "emailProtection") != 0 &&
	    strcmp(purpose, "codeSigning") != 0)
		return wrong("--purpose is emailProtection or codeSigning");
	if ((w->rollout && publish_check_word("--rollout", w->rollout, &err) < 0) ||
	    publish_check_word("--module-type", w->module_type, &err) < 0 ||
	    publish_check_word("--set-type", w->set_type, &err) < 0)
		return wrong(err.msg);
	return -1;
}

int publish_words_parse(int argc, char **argv, struct publish_words *ret)
{
	static const struct option known[] = {
		{ "trust", required_argument, NULL, 'k' },
		{ "aes-key", required_argument, NULL, 'K' },
		{ "method", required_argument, NULL, OPT_METHOD },
		{ "purpose", required_argument, NULL, OPT_PURPOSE },
		{ "signer", required_argument, NULL, OPT_SIGNER },
		{ "crl", required_argument, NULL, OPT_CRL },
		{ "layout", required_argument, NULL, OPT_LAYOUT },
		{ "url", required_argument, NULL, OPT_URL },
		{ "user", required_argument, NULL, OPT_USER },
		{ "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
		{ "password-env", required_argument, NULL, OPT_PASSWORD_ENV },
		{ "cacert", required_argument, NULL, OPT_CACERT },
		{ "allow-http", no_argument, NULL, OPT_ALLOW_HTTP },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "module-type", required_argument, NULL, OPT_MODULE_TYPE },
		{ "set-type", required_argument, NULL, OPT_SET_TYPE },
		{ "rollout", required_argument, NULL, OPT_ROLLOUT },
		{ "filter", required_argument, NULL, OPT_FILTER },
		{ "groups", required_argument, NULL, OPT_GROUPS },
		{ "assign", required_argument, NULL, OPT_ASSIGN },
		{ "retries", required_argument, NULL, OPT_RETRIES },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, code;

	*ret = (struct publish_words){
		.module_type = "os", .set_type = "os", .groups = 1, .retries = 4, .timeout_s = 300
	};
	ret->verify.trust = &ret->trust;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":k:K:qh", known, NULL)) != -1) {
		code = take_option(option, argv, ret);
		if (code >= 0)
			return code;
	}
	if (argc - optind != 1)
		return wrong("one file is expected");
	ret->path = argv[optind];
	return complete(ret);
}

static json_object *made_json(int64_t id, bool made)
{
	json_object *one = json_object_new_object();

	(void)json_object_object_add(one, "id", json_object_new_int64(id));
	(void)json_object_object_add(one, "created", json_object_new_boolean(made));
	return one;
}

static int show_json(const struct publish_words *w, const struct publish_plan *plan,
		     const struct publish_result *r)
{
	json_object *root = json_object_new_object(), *rollout = NULL;

	(void)json_object_object_add(root, "schema", json_u64(1));
	(void)json_object_object_add(root, "server", json_text(w->url));
	(void)json_object_object_add(root, "file", json_text(w->path));
	(void)json_object_object_add(root, "bytes", json_u64(plan->upload.size_bytes));
	(void)json_object_object_add(root, "sha256", json_text(plan->sha256_hex));
	(void)json_object_object_add(root, "name", json_text(plan->name));
	(void)json_object_object_add(root, "version", json_text(plan->version));
	(void)json_object_object_add(root, "module", made_json(r->module_id, r->module_made));
	(void)json_object_object_add(root, "artifact", made_json(r->artifact_id, r->artifact_made));
	(void)json_object_object_add(root, "set", made_json(r->set_id, r->set_made));
	if (plan->rollout)
		rollout = made_json(r->rollout_id, r->rollout_made);
	(void)json_object_object_add(root, "rollout", rollout);
	(void)json_object_object_add(root, "assigned", json_u64(r->assigned));
	(void)json_object_object_add(root, "already_assigned", json_u64(r->already_assigned));
	return json_show(root);
}

int publish_show(const struct publish_words *w, const struct publish_plan *plan,
		 const struct publish_result *r)
{
	if (w->json)
		return show_json(w, plan, r);
	if (w->quiet)
		return EXIT_GOOD;
	(void)printf("%s version %s: software module %" PRId64
		     " (%s), file %s (%s), distribution set "
		     "%" PRId64 " (%s)\n",
		     ESCAPED(plan->name), ESCAPED(plan->version), r->module_id,
		     r->module_made ? "new" : "there already", ESCAPED(plan->upload.name),
		     r->artifact_made ? "uploaded" : "there already, the same", r->set_id,
		     r->set_made ? "new" : "there already");
	if (plan->rollout)
		(void)printf("rollout %s: %" PRId64 " (%s)\n", ESCAPED(plan->rollout),
			     r->rollout_id, r->rollout_made ? "new" : "there already");
	if (plan->target_count > 0)
		(void)printf("assigned to %" PRIu64 " devices, %" PRIu64 " had it already\n",
			     r->assigned, r->already_assigned);
	return EXIT_GOOD;
}
