/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * A STAND-IN for NVIDIA's closed program of this name, in the guest of the UEFI machine.
 *  nvbootctrl verify       gives the running slot its tries back: clears what the stand-in for L4TLauncher has in the place of a register
 *  nvbootctrl flags FILE   "immutable" or "writable", for the scenarios (the real one has no such verb, nor the next one)
 *  nvbootctrl delete FILE  delete a variable, immutable or not
 */
#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REGISTER "/sys/firmware/efi/efivars/StandInRegister-5d1ab9c4-7c0e-4c1b-9a58-3e6d0b1f4277"

static int fail(const char *what)
{
	(void)fprintf(stderr, "nvbootctrl (stand-in): %s: %s\n", what, strerror(errno));
	return 1;
}

static int delete (const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(path);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 || unlink(path) < 0)
		return fail(path);
	(void)close(fd);
	return 0;
}

static int show_flags(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return fail(path);
	(void)close(fd);
	(void)puts(flags & FS_IMMUTABLE_FL ? "immutable" : "writable");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "verify") == 0)
		return delete (REGISTER);
	if (argc == 3 && strcmp(argv[1], "delete") == 0)
		return delete (argv[2]);
	if (argc == 3 && strcmp(argv[1], "flags") == 0)
		return show_flags(argv[2]);
	(void)fprintf(stderr, "usage: nvbootctrl verify | flags FILE | delete FILE (a stand-in)\n");
	return 2;
}
