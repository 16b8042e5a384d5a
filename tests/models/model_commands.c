// SPDX-License-Identifier: LGPL-2.1-or-later
// SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
//
// The commands that the boot script may use, with the exit codes of U-Boot 2023.01.
#include "model_internal.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RAM_BYTES_MAX (512U << 20)

/* U-Boot reads addresses as hexadecimal with or without 0x and stops at the first odd character;
 * here an odd character is an error in the script. */
static int parse_hex(struct model_run *run, const char *text, uint64_t *ret_value)
{
	char *end = NULL;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 16);
	if (!isxdigit((unsigned char)text[0]) || *end != '\0' || errno != 0)
		return run_stop(run, MODEL_ERROR, "'%.40s' is not a hexadecimal number", text);
	*ret_value = value;
	return 0;
}

int ram_address(struct model_run *run, const char *text, uint64_t *ret_addr)
{
	return parse_hex(run, text, ret_addr);
}

/* A number, or *address of a 32-bit word in memory that was read from the disk. */
static int parse_operand(struct model_run *run, const char *text, uint64_t *ret_value)
{
	uint64_t addr = 0;

	if (text[0] != '*')
		return parse_hex(run, text, ret_value);
	if (parse_hex(run, text + 1, &addr) != 0)
		return 1;
	if (run->ram == NULL || addr < run->ram_addr || run->ram_len_bytes < 4 ||
	    addr - run->ram_addr > run->ram_len_bytes - 4)
		return run_stop(run, MODEL_ERROR, "memory at %s was never loaded", text + 1);
	*ret_value = bootimg_le32(run->ram + (addr - run->ram_addr));
	return 0;
}

static int do_echo(struct model_run *run, size_t argc, char **argv)
{
	char line[MODEL_TEXT_MAX] = "";
	size_t used = 0;

	for (size_t i = 1; i < argc; i++) {
		int n = snprintf(line + used, sizeof(line) - used, "%s%s", i > 1 ? " " : "",
				 argv[i]);
		if (n < 0 || (size_t)n >= sizeof(line) - used)
			break;
		used += (size_t)n;
	}
	run_log(run, "%s", line);
	return 0;
}

/* Only the forms whose meaning does not depend on the values: "a = b", "a != b", "-z a", "-n a". */
static int do_test(struct model_run *run, size_t argc, char **argv)
{
	if (argc == 4 && strcmp(argv[2], "=") == 0)
		return strcmp(argv[1], argv[3]) == 0 ? 0 : 1;
	if (argc == 4 && strcmp(argv[2], "!=") == 0)
		return strcmp(argv[1], argv[3]) != 0 ? 0 : 1;
	if (argc == 3 && strcmp(argv[1], "-z") == 0)
		return argv[2][0] == '\0' ? 0 : 1;
	if (argc == 3 && strcmp(argv[1], "-n") == 0)
		return argv[2][0] != '\0' ? 0 : 1;
	return run_stop(run, MODEL_ERROR, "unknown form of test (with %zu words)", argc - 1);
}

static int do_setenv(struct model_run *run, size_t argc, char **argv)
{
	if (argv[1][0] == '-' || strchr(argv[1], '=') != NULL)
		return run_stop(run, MODEL_ERROR, "setenv '%s': bad name", argv[1]);
	if (argc > 3)
		return run_stop(run, MODEL_ERROR, "setenv %s: quote the value", argv[1]);
	if (env_put(&run->env, argv[1], argc == 3 ? argv[2] : NULL) != 0)
		return run_stop(run, MODEL_ERROR, "too many variables");
	return 0;
}

static int do_run(struct model_run *run, size_t argc, char **argv)
{
	(void)argc;
	const char *text = env_find(&run->env, argv[1]);

	if (text == NULL) {
		run_log(run, "## Error: \"%s\" not defined", argv[1]);
		return 1;
	}
	char *copy = strdup(text); /* the script may change the variable it runs from */
	if (copy == NULL)
		return run_stop(run, MODEL_ERROR, "out of memory");
	int rc = command_run_text(run, copy);
	free(copy);
	return rc != 0 ? 1 : 0;
}

int run_save_env(struct model_run *run)
{
	int ret = env_save(run->machine, &run->env);

	if (ret == -ECANCELED)
		return run_stop(run, MODEL_POWER_CUT, "while the environment was saved");
	if (ret < 0) {
		run_log(run, "Saving Environment to MMC... failed: %s", strerror(-ret));
		return 1;
	}
	run->result->env_saves++;
	run_log(run, "Saving Environment to MMC... copy %d OK", run->env.current_copy);
	return 0;
}

static int do_saveenv(struct model_run *run, size_t argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_save_env(run);
}

static int do_reset(struct model_run *run, size_t argc, char **argv)
{
	(void)argc;
	(void)argv;
	return run_stop(run, MODEL_RESET, "the script reset the board");
}

/* part start|size mmc DEV LABEL VARIABLE */
static int do_part(struct model_run *run, size_t argc, char **argv)
{
	uint64_t value = 0;
	char text[24];

	(void)argc;
	if (strcmp(argv[2], "mmc") != 0 || strcmp(argv[3], "0") != 0)
		return 1;
	const struct model_part *part = part_find(run->machine, argv[4]);
	if (part == NULL) {
		run_log(run, "part: no partition '%s'", argv[4]);
		return 1;
	}
	if (strcmp(argv[1], "start") == 0) {
		if (part_start_lba(run->machine, part, &value) < 0)
			return 1;
	} else if (strcmp(argv[1], "size") == 0) {
		if (part_size(part, &value) < 0)
			return 1;
		value /= MODEL_SECTOR_BYTES;
	} else {
		return run_stop(run, MODEL_ERROR, "unknown form of part");
	}
	(void)snprintf(text, sizeof(text), "%" PRIx64, value);
	return env_put(&run->env, argv[5], text) == 0 ? 0 : 1;
}

/* RAM survives a reset, so after a failed read a good image of an earlier boot may lie there. The
 * worst case is modelled: it always does. Booting it is an error of the script. */
static int leave_stale_ram(struct model_run *run, uint64_t addr, uint8_t *data, size_t len_bytes)
{
	memset(data, 0, len_bytes);
	if (len_bytes >= 4096) {
		memcpy(data, "ANDROID!", 8);
		data[9] = 8;  /* kernel of 2048 bytes */
		data[37] = 8; /* in pages of 2048 */
	}
	free(run->ram);
	run->ram = data;
	run->ram_addr = addr;
	run->ram_len_bytes = len_bytes;
	run->ram_part = NULL;
	run->ram_stale = true;
	return 1;
}

static int read_to_ram(struct model_run *run, uint64_t addr, uint64_t lba, uint64_t count)
{
	uint64_t at_bytes = 0;
	const struct model_part *part = part_at(run->machine, lba, count, &at_bytes);

	if (part == NULL || count == 0)
		return run_stop(run, MODEL_ERROR, "mmc read outside of any partition");
	if (count > RAM_BYTES_MAX / MODEL_SECTOR_BYTES)
		return run_stop(run, MODEL_ERROR, "mmc read of more than the modelled RAM");
	size_t len_bytes = (size_t)count * MODEL_SECTOR_BYTES;
	uint8_t *data = malloc(len_bytes);
	if (data == NULL)
		return run_stop(run, MODEL_ERROR, "out of memory");
	if (part_read(part, at_bytes, data, len_bytes) < 0) {
		run_log(run, "MMC read of %s: ERROR", part->name);
		return leave_stale_ram(run, addr, data, len_bytes);
	}
	free(run->ram);
	run->ram = data;
	run->ram_addr = addr;
	run->ram_len_bytes = len_bytes;
	run->ram_part = part;
	run->ram_stale = false;
	return 0;
}

static int do_mmc(struct model_run *run, size_t argc, char **argv)
{
	uint64_t addr = 0;
	uint64_t lba = 0;
	uint64_t count = 0;

	if (argc == 3 && strcmp(argv[1], "dev") == 0) {
		run->mmc_selected = strcmp(argv[2], "0") == 0;
		return run->mmc_selected ? 0 : 1;
	}
	if (argc != 5 || strcmp(argv[1], "read") != 0)
		return run_stop(run, MODEL_ERROR, "unknown form of mmc");
	if (!run->mmc_selected)
		return run_stop(run, MODEL_ERROR, "mmc read before mmc dev");
	if (parse_hex(run, argv[2], &addr) != 0 || parse_hex(run, argv[3], &lba) != 0 ||
	    parse_hex(run, argv[4], &count) != 0)
		return 1;
	return read_to_ram(run, addr, lba, count);
}

/* As in U-Boot: the magic and nothing more. */
static int do_iminfo(struct model_run *run, size_t argc, char **argv)
{
	uint64_t addr = 0;

	(void)argc;
	if (parse_hex(run, argv[1], &addr) != 0)
		return 1;
	if (run->ram == NULL || addr != run->ram_addr ||
	    !bootimg_has_magic(run->ram, run->ram_len_bytes)) {
		run_log(run, "## Checking Image ... Unknown image format!");
		return 1;
	}
	run_log(run, "## Checking Image ... Android image found");
	return 0;
}

static int do_itest_l(struct model_run *run, size_t argc, char **argv)
{
	uint64_t left = 0;
	uint64_t right = 0;

	(void)argc;
	if (parse_operand(run, argv[1], &left) != 0 || parse_operand(run, argv[3], &right) != 0)
		return 1;
	if (strcmp(argv[2], "-lt") == 0)
		return left < right ? 0 : 1;
	if (strcmp(argv[2], "-gt") == 0)
		return left > right ? 0 : 1;
	if (strcmp(argv[2], "==") == 0)
		return left == right ? 0 : 1;
	return run_stop(run, MODEL_ERROR, "unknown operator '%s' of itest", argv[2]);
}

/* setexpr VARIABLE A + B, in 32 bits as without a suffix in U-Boot. */
static int do_setexpr(struct model_run *run, size_t argc, char **argv)
{
	uint64_t left = 0;
	uint64_t right = 0;
	char text[24];

	(void)argc;
	if (parse_operand(run, argv[2], &left) != 0 || parse_operand(run, argv[4], &right) != 0)
		return 1;
	if (strcmp(argv[3], "+") != 0)
		return run_stop(run, MODEL_ERROR, "unknown operator '%s' of setexpr", argv[3]);
	(void)snprintf(text, sizeof(text), "%" PRIx64, left + right);
	return env_put(&run->env, argv[1], text) == 0 ? 0 : 1;
}

static const struct model_command commands[] = {
	{ "bootm", 2, 3, command_bootm }, { "echo", 0, MODEL_WORDS_MAX, do_echo },
	{ "iminfo", 1, 1, do_iminfo },	  { "itest.l", 3, 3, do_itest_l },
	{ "mmc", 2, 4, do_mmc },	  { "part", 5, 5, do_part },
	{ "reset", 0, 0, do_reset },	  { "run", 1, 1, do_run },
	{ "saveenv", 0, 0, do_saveenv },  { "setenv", 1, 2, do_setenv },
	{ "setexpr", 4, 4, do_setexpr },  { "test", 2, 3, do_test },
};

const struct model_command *command_find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
