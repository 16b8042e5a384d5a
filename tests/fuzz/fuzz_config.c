/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/* /etc/swupdate-jetson.conf. Input: the file. */
#include "fuzz/fuzz.h"

#include "fuzz/device.h"
#include "slot/config.h"
#include "slot/layout.h"

static bool can_use(const struct jota_layout *layout, const char *backend)
{
	for (size_t i = 0; layout->backends[i]; i++)
		if (strcmp(layout->backends[i], backend) == 0)
			return true;
	return false;
}

static void judge(const struct jota_config *config, const uint8_t *data, size_t len_bytes)
{
	PROMISE(config->layout && config->layout == jota_layout_find(config->layout->name));
	PROMISE(memchr(config->backend, '\0', sizeof(config->backend)) != NULL);
	PROMISE(can_use(config->layout, config->backend));
	PROMISE(config->boot_tries >= 1 && config->boot_tries <= 10);
	PROMISE(config->env_config[0] == '/');
	PROMISE(memchr(config->env_config, '\0', sizeof(config->env_config)) != NULL);
	PROMISE(memchr(config->root_disk, '\0', sizeof(config->root_disk)) != NULL);
	PROMISE(strpbrk(config->root_disk, "/. ") == NULL);
	PROMISE(memchr(data, '\0', len_bytes) == NULL);
	fuzz_plant(strlen(config->root_disk) > 7, config->root_disk);
}

/* libconfig's own words, and nothing that the input could have put there. */
static bool looks_for_another_file(const char *msg)
{
	unsigned line;
	int at = 0;

	(void)sscanf(msg, JOTA_CONFIG_PATH " line %u: %n", &line, &at);
	return at > 0 && strcmp(msg + at, "cannot open include file.") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	static const char *const path[] = { JOTA_CONFIG_PATH };
	const struct jota_io *io = fuzz_device_fill(path, 1, data, len_bytes);
	struct jota_config config, untouched;
	struct jota_err err = { 0 };
	int r;

	memset(&config, 0xa5, sizeof(config));
	untouched = config;
	r = jota_config_read(io, &config, &err);
	fuzz_check_result(r, &err);
	PROMISE(!looks_for_another_file(err.msg));
	if (r == 0)
		judge(&config, data, len_bytes);
	else
		PROMISE(memcmp(&config, &untouched, sizeof(config)) == 0);
	return 0;
}
