/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* Tokens and HSMs: OpenSSL 3.0 of Debian 12 reaches PKCS#11 by the engine of libengine-pkcs11-openssl. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "swu/sign_key.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/engine.h>
#include <openssl/err.h>

#define PIN_BYTES 256

static int set_pin(ENGINE *engine, const char *uri, const struct jota_sign_talk *talk,
		   struct jota_err *err)
{
	char pin[PIN_BYTES] = "";
	int rc;

	/* The URI may carry it, or name where it is. */
	if (strstr(uri, "pin-value=") || strstr(uri, "pin-source=") || !talk->ask)
		return 0;
	rc = talk->ask(talk->ctx, uri, pin, sizeof(pin), err);
	if (rc == 0 && ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) != 1)
		rc = jota_sign_fail(err, EINVAL, "the engine takes no PIN");
	OPENSSL_cleanse(pin, sizeof(pin));
	return rc;
}

EVP_PKEY *jota_sign_pkcs11(const struct jota_recipe_signer *recipe,
			   const struct jota_sign_talk *talk, struct jota_err *err)
{
	const char *uri = recipe->key;
	char name[JOTA_SIGN_NAME_BYTES];
	EVP_PKEY *key = NULL;
	ENGINE *engine;

	ENGINE_load_builtin_engines();
	engine = ENGINE_by_id("pkcs11");
	if (!engine) {
		(void)jota_sign_fail(err, ENOTSUP,
				     "'%s' needs OpenSSL's engine pkcs11: install Debian's package "
				     "libengine-pkcs11-openssl",
				     jota_sign_key_name(recipe, name));
		return NULL;
	}
	/* Its own remarks on standard error say less than our sentence. */
	(void)ENGINE_ctrl_cmd_string(engine, "QUIET", NULL, 0);
	ERR_clear_error();
	if (ENGINE_init(engine) != 1) {
		(void)jota_sign_fail(
			err, EIO,
			"the engine pkcs11 does not start; PKCS11_MODULE_PATH must name "
			"the library of the token");
		ENGINE_free(engine);
		return NULL;
	}
	if (set_pin(engine, uri, talk, err) == 0) {
		key = ENGINE_load_private_key(engine, uri, NULL, NULL);
		if (!key)
			(void)jota_sign_fail(
				err, EACCES,
				"no private key for '%s': wrong PIN, no such token or no "
				"such object",
				jota_sign_key_name(recipe, name));
	}
	/* The key holds its own reference. */
	(void)ENGINE_finish(engine);
	(void)ENGINE_free(engine);
	return key;
}
