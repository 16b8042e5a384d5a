// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// One power-on, by the rules of U-Boot 2023.01 with CONFIG_BOOTCOUNT_ENV.
#include "model_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *model_outcome_name(enum model_outcome outcome)
{
	switch (outcome) {
	case MODEL_BOOTED:
		return "BOOTED";
	case MODEL_RESET:
		return "RESET";
	case MODEL_PROMPT:
		return "PROMPT";
	case MODEL_POWER_CUT:
		return "POWER_CUT";
	case MODEL_ERROR:
		return "MODEL_ERROR";
	}
	return "?";
}

/* The kernel obeys the last one. */
static bool last_parameter(const char *cmdline, const char *key, char *ret_value, size_t size)
{
	bool found = false;
	size_t key_len = strlen(key);

	for (const char *at = cmdline; *at != '\0';) {
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (len > key_len && strncmp(at, key, key_len) == 0 && len - key_len < size) {
			memcpy(ret_value, at + key_len, len - key_len);
			ret_value[len - key_len] = '\0';
			found = true;
		}
		at += len;
	}
	return found;
}

/* What the kernel does with its command line: find the root partition, or wait for ever. */
static int start_kernel(struct model_run *run, const struct model_bootimg *img)
{
	struct model_result *r = run->result;
	const char *bootargs = env_find(&run->env, "bootargs");
	char slot[8] = "";

	(void)snprintf(r->cmdline, sizeof(r->cmdline), "%s%s%s", bootargs == NULL ? "" : bootargs,
		       bootargs == NULL ? "" : " ", img->cmdline);
	(void)snprintf(r->kernel_part, sizeof(r->kernel_part), "%s", run->ram_part->name);
	run_log(run, "Starting kernel ...");
	run_log(run, "Kernel command line: %s", r->cmdline);
	if (!last_parameter(r->cmdline, "jota.slot=", slot, sizeof(slot)) || slot[1] != '\0')
		return run_stop(run, MODEL_ERROR, "the command line carries no jota.slot=A or B");
	if (!last_parameter(r->cmdline, "root=PARTLABEL=", r->root_part, sizeof(r->root_part)))
		return run_stop(run, MODEL_ERROR, "the command line carries no root=PARTLABEL=");
	if (part_find(run->machine, r->root_part) == NULL)
		return run_stop(run, MODEL_RESET,
				"no root partition '%s': the kernel waits until a watchdog bites",
				r->root_part);
	r->slot = slot[0];
	return run_stop(run, MODEL_BOOTED, "slot %c", r->slot);
}

/* bootm ADDR RAMDISK|- [FDT]. Returns to the script where U-Boot's does. */
int command_bootm(struct model_run *run, size_t argc, char **argv)
{
	struct model_bootimg img;
	uint64_t addr = 0;
	char why[128] = "";

	(void)argc;
	if (ram_address(run, argv[1], &addr) != 0)
		return 1;
	if (run->ram == NULL || addr != run->ram_addr ||
	    !bootimg_has_magic(run->ram, run->ram_len_bytes)) {
		run_log(run, "Wrong Image Format for bootm command");
		return 1;
	}
	if (run->ram_stale)
		return run_stop(run, MODEL_ERROR, "bootm after a failed read: stale memory");
	if (bootimg_decode(run->ram, run->ram_len_bytes, &img, why, sizeof(why)) < 0)
		return run_stop(run, MODEL_RESET, "%s: the board crashes", why);
	if (strcmp(argv[2], "-") != 0) {
		if (strcmp(argv[2], argv[1]) != 0)
			return run_stop(run, MODEL_ERROR, "bootm: ramdisk from another place");
		if (img.ramdisk_size_bytes == 0) {
			run_log(run, "Ramdisk image is corrupt or invalid");
			return 1;
		}
	}
	if (bootimg_starts(run->ram, run->ram_len_bytes, &img, why, sizeof(why)) < 0)
		return run_stop(run, MODEL_RESET, "%s: a watchdog resets the board", why);
	return start_kernel(run, &img);
}

static void load_environment(struct model_run *run)
{
	int ret = env_load(run->machine, &run->env);

	if (ret == 0) {
		run_log(run, "Loading Environment from MMC... OK (copy %d, serial %u)",
			run->env.current_copy, run->env.flags);
		return;
	}
	run_log(run,
		"Loading Environment from MMC... *** Warning - bad CRC, using default environment");
	run->result->used_default_env = true;
	if (ret == -ENODATA)
		ret = env_load_default(run->machine, &run->env);
	if (ret < 0)
		(void)run_stop(run, MODEL_ERROR, "default environment '%s': %s",
			       run->machine->default_env_path, strerror(-ret));
}

/* Returns the command to run, NULL: none. A save that fails does not stop U-Boot. */
static const char *count_boot(struct model_run *run)
{
	char text[24];
	bool on_trial = env_number(&run->env, "upgrade_available") != 0;
	unsigned long count = (on_trial ? env_number(&run->env, "bootcount") : 0) + 1;
	unsigned long limit = env_number(&run->env, "bootlimit");

	(void)snprintf(text, sizeof(text), "%lu", count);
	if (env_put(&run->env, "bootcount", text) < 0)
		(void)run_stop(run, MODEL_ERROR, "too many variables");
	if (on_trial && !run->halted) {
		run->result->bootcount = count;
		(void)run_save_env(run);
	}
	if (!on_trial || limit == 0 || count <= limit)
		return env_find(&run->env, "bootcmd");
	run_log(run, "Warning: Bootlimit (%lu) exceeded. Using altbootcmd.", limit);
	run->result->used_altbootcmd = true;
	return env_find(&run->env, "altbootcmd");
}

void model_boot(const struct model_machine *m, struct model_result *ret_result)
{
	struct model_run *run = calloc(1, sizeof(*run));

	memset(ret_result, 0, sizeof(*ret_result));
	ret_result->outcome = MODEL_ERROR;
	(void)snprintf(ret_result->why, sizeof(ret_result->why), "out of memory");
	if (run == NULL)
		return;
	run->machine = m;
	run->result = ret_result;
	run_log(run, "power on");
	load_environment(run);
	const char *text = run->halted ? NULL : count_boot(run);
	if (text != NULL && !run->halted) {
		char *copy = strdup(text);

		if (copy != NULL)
			(void)command_run_text(run, copy);
		free(copy);
	}
	if (!run->halted)
		(void)run_stop(run, MODEL_PROMPT, "%s",
			       text == NULL ? "there is no boot command to run" :
					      "the boot command came to its end");
	free(run->ram);
	env_free(&run->env);
	free(run);
	if (ret_result->outcome == MODEL_BOOTED)
		ret_result->why[0] = '\0';
}

void model_boot_until_up(const struct model_machine *m, unsigned int max_resets,
			 struct model_result *ret_result)
{
	unsigned int saves = 0;

	for (unsigned int resets = 0;; resets++) {
		model_boot(m, ret_result);
		saves += ret_result->env_saves;
		ret_result->resets = resets;
		ret_result->env_saves = saves;
		if (ret_result->outcome != MODEL_RESET || resets == max_resets)
			return;
	}
}

static int slot_part(const struct model_machine *m, const char *variable, char slot,
		     const struct model_part **ret_part, char *ret_why, size_t why_size_bytes)
{
	struct model_env env = { .count = 0 };
	char name[32];
	int ret = env_load(m, &env);

	if (ret == -ENODATA)
		ret = env_load_default(m, &env);
	(void)snprintf(name, sizeof(name), "%s_%c", variable, slot);
	const char *label = ret < 0 ? NULL : env_find(&env, name);
	*ret_part = label == NULL ? NULL : part_find(m, label);
	if (ret == 0 && *ret_part == NULL) {
		(void)snprintf(ret_why, why_size_bytes, "%s names no known partition", name);
		ret = -ENOENT;
	}
	env_free(&env);
	return ret;
}

static int kernel_complete(const struct model_part *part, char *ret_why, size_t why_size_bytes)
{
	struct model_bootimg img;
	uint64_t size_bytes = 0;
	int ret = part_size(part, &size_bytes);
	uint8_t *data = ret < 0 ? NULL : malloc((size_t)size_bytes + 1);

	if (ret == 0 && data == NULL)
		ret = -ENOMEM;
	if (ret == 0)
		ret = part_read(part, 0, data, (size_t)size_bytes);
	if (ret == 0)
		ret = bootimg_decode(data, (size_t)size_bytes, &img, ret_why, why_size_bytes) < 0 ||
				      bootimg_starts(data, (size_t)size_bytes, &img, ret_why,
						     why_size_bytes) < 0 ?
			      0 :
			      1;
	free(data);
	return ret;
}

int model_slot_complete(const struct model_machine *m, char slot, char *ret_why,
			size_t why_size_bytes)
{
	const struct model_part *kernel = NULL;
	const struct model_part *root = NULL;
	uint8_t block[4096];

	int ret = slot_part(m, "jota_kernel", slot, &kernel, ret_why, why_size_bytes);
	if (ret == 0)
		ret = slot_part(m, "jota_root", slot, &root, ret_why, why_size_bytes);
	if (ret < 0)
		return ret;
	ret = kernel_complete(kernel, ret_why, why_size_bytes);
	if (ret <= 0)
		return ret;
	ret = part_read(root, 0, block, sizeof(block));
	if (ret < 0)
		return ret;
	/* ext4: u16 magic 0xef53 at offset 56 of the superblock, which starts at 1024. */
	if (block[1024 + 56] == 0x53 && block[1024 + 57] == 0xef)
		return 1;
	(void)snprintf(ret_why, why_size_bytes, "%s has no ext4 superblock", root->name);
	return 0;
}
