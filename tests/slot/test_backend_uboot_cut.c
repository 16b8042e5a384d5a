/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
/*
 * The backend contract under power cuts and failing devices.
 *
 * Method: this program has its own write, pwrite and fsync, which libubootenv and the library call alike; those on
 * the environment's device are events. A child process makes one store and dies at its k-th event, for every k
 * until it lives. What it wrote and did not sync is then kept, dropped or torn by sectors (seeded by k). The parent,
 * as the next boot would, loads: it must find the old state or the new one, and be able to go on. Writes are cut into
 * pieces, so that a cut may also fall inside the one big write of a store.
 */
/* syscall, rand_r and O_DIRECT are extensions. */
#define _GNU_SOURCE

#include "slot/uboot_disk.h"
#include "support/run.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SECTOR_BYTES 512u
#define PIECE_BYTES 24576u
#define PENDING_MAX 64
#define DIED 42

enum fate { KEPT, DROPPED, TORN };
#define FATE_COUNT 3

/* CACHE_HIDES: a bit is flipped below the page cache, which goes on showing what was written. */
enum fault { SOUND, FLIPS_A_BIT, LOSES_WRITES, WRITES_FAIL, SYNCS_FAIL, CACHE_HIDES };

/* What the device has in its cache: the bytes that were there before each unsynced write. */
struct pending {
	uint64_t offset_bytes;
	size_t len_bytes;
	uint8_t old[PIECE_BYTES];
};

static struct {
	bool armed;
	dev_t dev;
	ino_t ino;
	enum fault fault;
	uint64_t flip_offset_bytes; /* on the device */
	bool was_flipped, cache_dropped;
	int die_at; /* 0: never */
	enum fate fate;
	int events, syncs;
	struct pending *pending;
	size_t pending_count;
} power;

static ssize_t raw_pwrite(int fd, const void *data, size_t len, uint64_t at)
{
	return syscall(SYS_pwrite64, fd, data, len, at);
}

static bool is_watched(int fd)
{
	struct stat st;

	return power.armed && fstat(fd, &st) == 0 && st.st_dev == power.dev &&
	       st.st_ino == power.ino;
}

static bool sector_survives(unsigned *seed)
{
	return power.fate == TORN && (rand_r(seed) & 4);
}

/* Newest first, so that overlapping writes end as they were before the first. */
static void lose_pending(int fd)
{
	unsigned seed = (unsigned)power.die_at * 2654435761u + 1;

	for (size_t i = power.pending_count; power.fate != KEPT && i-- > 0;) {
		const struct pending *p = &power.pending[i];

		for (size_t at = 0; at < p->len_bytes; at += SECTOR_BYTES) {
			size_t len = p->len_bytes - at < SECTOR_BYTES ? p->len_bytes - at :
									SECTOR_BYTES;

			if (!sector_survives(&seed) &&
			    raw_pwrite(fd, p->old + at, len, p->offset_bytes + at) != (ssize_t)len)
				_exit(99);
		}
	}
}

static void count_event(int fd)
{
	if (++power.events == power.die_at) {
		lose_pending(fd);
		_exit(DIED);
	}
}

static void remember_old(int fd, size_t len, uint64_t at)
{
	struct pending *p;

	if (power.pending_count == PENDING_MAX)
		_exit(98);
	p = &power.pending[power.pending_count++];
	p->offset_bytes = at;
	p->len_bytes = len;
	if (syscall(SYS_pread64, fd, p->old, len, at) != (long)len)
		_exit(97);
}

static ssize_t watched_write(int fd, const void *data, size_t len, uint64_t at)
{
	uint8_t piece[PIECE_BYTES];

	count_event(fd);
	if (power.fault == WRITES_FAIL) {
		errno = EIO;
		return -1;
	}
	if (len > PIECE_BYTES)
		len = PIECE_BYTES;
	if (power.fault == LOSES_WRITES)
		return (ssize_t)len;
	memcpy(piece, data, len);
	if ((power.fault == FLIPS_A_BIT || power.fault == CACHE_HIDES) &&
	    power.flip_offset_bytes - at < len) {
		piece[power.flip_offset_bytes - at] ^= 0x10;
		power.was_flipped = true;
	}
	remember_old(fd, len, at);
	return raw_pwrite(fd, piece, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
	off_t at;
	ssize_t n;

	if (!is_watched(fd))
		return syscall(SYS_write, fd, data, len);
	at = lseek(fd, 0, SEEK_CUR);
	n = watched_write(fd, data, len, (uint64_t)at);
	if (n > 0)
		(void)lseek(fd, n, SEEK_CUR);
	return n;
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (!is_watched(fd))
		return raw_pwrite(fd, data, len, (uint64_t)at);
	return watched_write(fd, data, len, (uint64_t)at);
}

/* The file is the device; what the page cache hides of it is put in again. */
ssize_t pread(int fd, void *data, size_t len, off_t at)
{
	ssize_t n = syscall(SYS_pread64, fd, data, len, at);

	if (n > 0 && is_watched(fd) && power.fault == CACHE_HIDES && power.was_flipped &&
	    !power.cache_dropped && !(fcntl(fd, F_GETFL) & O_DIRECT) &&
	    power.flip_offset_bytes - (uint64_t)at < (uint64_t)n)
		((uint8_t *)data)[power.flip_offset_bytes - (uint64_t)at] ^= 0x10;
	return n;
}

/* Dirty pages stay. */
int posix_fadvise(int fd, off_t at, off_t len, int advice)
{
	if (is_watched(fd) && advice == POSIX_FADV_DONTNEED && power.pending_count == 0)
		power.cache_dropped = true;
	return syscall(SYS_fadvise64, fd, at, len, advice) < 0 ? errno : 0;
}

static int watched_sync(int fd)
{
	count_event(fd);
	power.syncs++;
	if (power.fault == SYNCS_FAIL) {
		errno = EIO;
		return -1;
	}
	power.pending_count = 0;
	return 0;
}

int fsync(int fd)
{
	return is_watched(fd) ? watched_sync(fd) : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return is_watched(fd) ? watched_sync(fd) : (int)syscall(SYS_fdatasync, fd);
}

static struct uboot_disk d;
static struct pending pool[PENDING_MAX];

static void setup(void)
{
	disk_make(&d);
	memset(&power, 0, sizeof(power));
	power.pending = pool;
}

static void teardown(void)
{
	power.armed = false;
	disk_remove(&d);
}

static void arm(void)
{
	struct stat st;

	ck_assert_int_eq(stat(d.path, &st), 0);
	power.dev = st.st_dev;
	power.ino = st.st_ino;
	power.events = power.syncs = 0;
	power.pending_count = 0;
	power.armed = true;
}

/* In the child. A success that was not synced is found out here: the power fails right after it. */
static void store_and_die(const struct jota_boot_state *cur, const struct jota_boot_state *want)
{
	int r, fd;

	arm();
	r = disk_store(&d, cur, want);
	power.armed = false;
	fd = open(d.path, O_RDWR | O_CLOEXEC);
	if (r != 0 || fd < 0)
		_exit(96);
	lose_pending(fd);
	_exit(0);
}

/* Exit code of a child that makes the store and dies at its k-th event. */
static int store_in_child(const struct jota_boot_state *cur, const struct jota_boot_state *want,
			  int die_at, enum fate fate)
{
	int status;
	pid_t child;

	power.die_at = die_at;
	power.fate = fate;
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		store_and_die(cur, want);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "the child was killed at event %d", die_at);
	return WEXITSTATUS(status);
}

static void check_goes_on(const struct jota_boot_state *now, const struct jota_boot_state *want)
{
	struct jota_boot_state end;

	if (!same_state(now, want))
		ck_assert_msg(disk_store(&d, now, want) == 0, "after the cut: %s", d.err.msg);
	end = disk_load(&d);
	ck_assert(same_state(&end, want));
}

START_TEST(a_cut_before_any_write_or_sync_leaves_the_old_or_the_new_state)
{
	enum step step = (enum step)(_i / FATE_COUNT);
	enum fate fate = (enum fate)(_i % FATE_COUNT);
	struct jota_boot_state cur = disk_walk(&d, step), want = step_from(&cur, step);
	uint8_t *start = disk_bytes(&d);
	int old_states = 0, new_states = 0, k, code;

	for (k = 1;; k++) {
		struct jota_boot_state now;

		disk_put_bytes(&d, start);
		code = store_in_child(&cur, &want, k, fate);
		now = disk_load(&d);
		if (code == 0)
			ck_assert_msg(same_state(&now, &want), "stored, but not durably");
		else
			ck_assert_int_eq(code, DIED);
		ck_assert_msg(same_state(&now, &cur) || same_state(&now, &want),
			      "cut %d leaves a third state", k);
		old_states += same_state(&now, &cur);
		new_states += same_state(&now, &want);
		check_goes_on(&now, &want);
		if (code == 0)
			break;
		ck_assert_int_lt(k, 100);
	}
	free(start);
	/* The pieces of the write, libubootenv's sync and ours for each of the two copies. */
	ck_assert_int_ge(k - 1, (int)(TREE_ENV_SIZE_BYTES / PIECE_BYTES) + 3);
	ck_assert_int_gt(old_states, 0);
	ck_assert_int_gt(new_states, 1);
}
END_TEST

static int store_with_fault(const struct jota_boot_state *cur, const struct jota_boot_state *want,
			    enum fault fault)
{
	int r;

	power.fault = fault;
	arm();
	r = disk_store(&d, cur, want);
	power.armed = false;
	return r;
}

START_TEST(a_flipped_bit_in_the_written_copy_is_found)
{
	static const uint64_t place[] = { 0, 3, 5, 30, 0x1000, TREE_ENV_SIZE_BYTES - 1 };
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);
	struct jota_boot_state now;

	/* After one store the second copy is in use, so the first is written. */
	power.flip_offset_bytes = TREE_ENV_OFFSET_BYTES + place[_i];
	ck_assert_int_eq(store_with_fault(&cur, &want, FLIPS_A_BIT), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(d.err.msg, "checksum"));
	now = disk_load(&d);
	ck_assert(same_state(&now, &cur));
	check_goes_on(&now, &want);
}
END_TEST

START_TEST(a_bit_that_is_wrong_below_the_page_cache_is_found)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);

	power.flip_offset_bytes = TREE_ENV_OFFSET_BYTES + 30;
	ck_assert_int_eq(store_with_fault(&cur, &want, CACHE_HIDES), -EBADMSG);
	ck_assert(power.was_flipped);
}
END_TEST

START_TEST(a_serial_number_that_firmware_would_not_follow_is_found)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);

	/* The checksum does not cover it. */
	power.flip_offset_bytes = TREE_ENV_OFFSET_BYTES + 4;
	ck_assert_int_eq(store_with_fault(&cur, &want, FLIPS_A_BIT), -EBADMSG);
}
END_TEST

START_TEST(a_device_that_loses_writes_is_found)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);
	struct jota_boot_state now;

	ck_assert_int_eq(store_with_fault(&cur, &want, LOSES_WRITES), -EBADMSG);
	now = disk_load(&d);
	ck_assert(same_state(&now, &cur));
}
END_TEST

START_TEST(a_write_error_is_reported_and_leaves_the_old_state)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);
	struct jota_boot_state now;

	ck_assert_int_eq(store_with_fault(&cur, &want, WRITES_FAIL), -EIO);
	now = disk_load(&d);
	ck_assert(same_state(&now, &cur));
}
END_TEST

START_TEST(a_sync_error_that_libubootenv_hides_is_reported)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);

	ck_assert_int_eq(store_with_fault(&cur, &want, SYNCS_FAIL), -EIO);
	ck_assert_ptr_nonnull(strstr(d.err.msg, "unknown"));
}
END_TEST

START_TEST(a_refused_store_makes_no_event)
{
	struct jota_boot_state cur = disk_walk(&d, STEP_FLIP), want = step_from(&cur, STEP_FLIP);

	tree_env_set(&d.tree, "ustate", "3");
	ck_assert_int_eq(store_with_fault(&cur, &want, SOUND), -ESTALE);
	ck_assert_int_eq(power.events, 0);
	tree_env_set(&d.tree, "ustate", "7");
	ck_assert_int_eq(store_with_fault(&cur, &cur, SOUND), 0);
	ck_assert_int_eq(power.events, 0);
	ck_assert_int_eq(store_with_fault(&cur, &want, SOUND), 0);
	ck_assert_int_gt(power.events, power.syncs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backend_uboot_cut");
	TCase *tc = tcase_create("power cuts and failing devices");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_cut_before_any_write_or_sync_leaves_the_old_or_the_new_state, 0,
			    STEP_COUNT * FATE_COUNT);
	tcase_add_loop_test(tc, a_flipped_bit_in_the_written_copy_is_found, 0, 6);
	tcase_add_test(tc, a_bit_that_is_wrong_below_the_page_cache_is_found);
	tcase_add_test(tc, a_serial_number_that_firmware_would_not_follow_is_found);
	tcase_add_test(tc, a_device_that_loses_writes_is_found);
	tcase_add_test(tc, a_write_error_is_reported_and_leaves_the_old_state);
	tcase_add_test(tc, a_sync_error_that_libubootenv_hides_is_reported);
	tcase_add_test(tc, a_refused_store_makes_no_event);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
