/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SPDX-FileCopyrightText: 2026 The swupdate-jetson authors */
#include "health/reason.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define LOOK_AT_THE_UNIT "Look at 'systemctl status' and 'journalctl -b -u' of the unit."

/* clang-format off */
static const struct {
	const char *word, *meaning, *advice;
} reasons[JOTA_WHY_COUNT] = {
	[JOTA_WHY_OK] = { "ok", "The check passed.", "Nothing to do." },
	[JOTA_WHY_NO_BASELINE] = { "no-baseline",
		"It failed, but nobody knows whether it worked before the update, so it does not count.",
		"Run 'jetson-health run --phase baseline' before each update; the update hook does." },
	[JOTA_WHY_NOT_IN_BASELINE] = { "not-in-baseline",
		"It failed, and it failed before the update too, so the update is not to blame.",
		"Mend what it checks: a cable, a server, a disk." },
	[JOTA_WHY_DEADLINE] = { "deadline", "It did not end in time and was ended.",
		"Give it more time (deadline_s), or find out what it waits for." },
	[JOTA_WHY_OVERALL_DEADLINE] = { "overall-deadline",
		"The time of the whole run was over before its turn.",
		"Raise deadline_s of the whole run, or lower those of the checks before it." },
	[JOTA_WHY_UNKILLABLE] = { "unkillable",
		"It did not end in time and the kernel cannot end it: a device or file server does not answer.",
		"Look at 'dmesg' for hung tasks and storage errors." },
	[JOTA_WHY_CRASHED] = { "check-crashed", "The process of the check ended without a result.",
		"That is a defect of jetson-health or of a library: report it." },
	[JOTA_WHY_INTERNAL] = { "check-error", "The check could not be done.",
		"The message says what was missing: memory, processes, permission." },
	[JOTA_WHY_CONFIGURATION] = { "configuration", "The configuration of the checks was refused.",
		"Run 'jetson-health check-config' and mend the line that it names." },
	[JOTA_WHY_NO_BUS] = { "no-system-bus", "The system bus does not answer.",
		"Look at dbus.service; without the bus no unit can be asked about." },
	[JOTA_WHY_BAD_ANSWER] = { "bad-answer", "What came back is not what the protocol allows.",
		"Look at who listens there." },
	[JOTA_WHY_NO_UNIT] = { "unit-not-found", "systemd does not know the unit.",
		"Is it in the image, and spelt so?" },
	[JOTA_WHY_UNIT_INACTIVE] = { "unit-not-active", "The unit is not active.", LOOK_AT_THE_UNIT },
	[JOTA_WHY_UNIT_FAILED] = { "unit-failed", "The unit has failed.", LOOK_AT_THE_UNIT },
	[JOTA_WHY_UNIT_RESTARTED] = { "unit-restarted",
		"The unit restarted within the stability window: it is flapping.", LOOK_AT_THE_UNIT },
	[JOTA_WHY_UNIT_RESTARTS] = { "unit-restarts", "The unit restarted more often than allowed.",
		LOOK_AT_THE_UNIT },
	[JOTA_WHY_NO_PROGRAM] = { "program-not-found", "The program does not exist or is not executable.",
		"Is it in the image?" },
	[JOTA_WHY_UNSAFE_PROGRAM] = { "program-unsafe",
		"The program could be replaced by somebody who is not root.",
		"chown root and chmod go-w the program." },
	[JOTA_WHY_NO_USER] = { "user-unknown", "The program cannot be run as that user or with that group.",
		"Is the user in the image's passwd file?" },
	[JOTA_WHY_EXIT_STATUS] = { "exit-status", "The program said no.",
		"The message has its last words; run it by hand." },
	[JOTA_WHY_SIGNALLED] = { "killed-by-signal", "A signal ended the program.",
		"A crash, or the kernel was short of memory: look at 'dmesg'." },
	[JOTA_WHY_NO_ADDRESS] = { "name-not-resolved", "The name of the server has no address.",
		"Look at the network and the name servers; use baseline = true for what depends on them." },
	[JOTA_WHY_CONNECT] = { "connect-failed", "Nobody takes the connection.",
		"Is the service running and listening there?" },
	[JOTA_WHY_TLS] = { "tls-failed", "The connection could not be made secure.",
		"Look at the certificates and at the clock of the board." },
	[JOTA_WHY_HTTP_STATUS] = { "http-status", "The server answered with another status.",
		"Look at the log of the server." },
	[JOTA_WHY_TOO_LARGE] = { "answer-too-large", "The answer is larger than allowed.",
		"Ask for something smaller, or raise max_bytes." },
	[JOTA_WHY_CONTENT] = { "content-differs", "The content is not what was expected.",
		"Compare what the message shows with the configuration." },
	[JOTA_WHY_NOT_MOUNTED] = { "not-mounted", "Nothing is mounted there.",
		"Look at 'systemctl status' of the mount unit." },
	[JOTA_WHY_READ_ONLY] = { "read-only", "The file system is mounted read-only.",
		"Look at 'dmesg': a file system with errors may have been remounted." },
	[JOTA_WHY_WRITE] = { "write-failed", "A test file could not be written and read back.",
		"Look at 'dmesg' and at the free space." },
	[JOTA_WHY_WRONG_TYPE] = { "wrong-type", "It is there, but it is something else.",
		"Compare what the message shows with the configuration." },
	[JOTA_WHY_SPACE] = { "space-low", "There is less free space than asked for.", "Make room." },
	[JOTA_WHY_INODES] = { "inodes-low", "There are fewer free inodes than asked for.",
		"Remove files: very many small ones are there." },
	[JOTA_WHY_MISSING] = { "missing", "It is not there.",
		"Is the driver loaded, the device plugged in, the file in the image?" },
	[JOTA_WHY_OPEN] = { "open-failed", "It is there but cannot be opened.",
		"Look at permissions and at 'dmesg'." },
	[JOTA_WHY_DRIVER] = { "wrong-driver", "Another driver has the device.",
		"Look at the modules and the device tree." },
	[JOTA_WHY_NO_VERSION] = { "no-version", "There is no version to compare.",
		"Look at the file that the message names." },
	[JOTA_WHY_TOO_OLD] = { "version-too-low", "The version is lower than asked for.",
		"Update it, or lower the demand." },
	[JOTA_WHY_TOO_NEW] = { "version-too-high", "The version is higher than asked for.",
		"This image does not belong to it." },
	[JOTA_WHY_NO_ESRT] = { "no-firmware-table", "The firmware does not tell its version.",
		"Boards with U-Boot or cboot have no ESRT: take the check out." },
	[JOTA_WHY_FIRMWARE_ATTEMPT] = { "firmware-update-failed", "The last update of the firmware failed.",
		"The message has the firmware's status code." },
	[JOTA_WHY_NO_MODULES] = { "no-kernel-modules", "There are no modules for the kernel that runs.",
		"Kernel and root file system are of different builds." },
	[JOTA_WHY_NOT_LOADED] = { "module-not-loaded", "A kernel module is not loaded.",
		"Look at 'dmesg' and 'modprobe'." },
	[JOTA_WHY_SAMPLE] = { "sample-refused",
		"The installed swupdate refuses the signed sample: the next update would be refused too.",
		"Look at swupdate's configuration and its certificates." },
	[JOTA_WHY_NO_SERVER] = { "no-server-configured", "swupdate's configuration names no server.",
		"Set url in its section 'suricatta', or take the check out." },
	[JOTA_WHY_NOT_LOOKED_AT] = { "not-looked-at",
		"It could not be told, and nothing asks for it.", "The message says what is missing." },
	[JOTA_WHY_FILESYSTEM] = { "filesystem-damaged", "The new root file system is damaged.",
		"Run 'e2fsck -fn' on the image before it is signed; build it with mke2fs -d or jetson-swu." },
	[JOTA_WHY_CLOSED_FILESYSTEM] = { "filesystem-closed",
		"This system cannot look into the new root file system.",
		"Set severity = \"warning\" for the check of kind new-filesystem if that is as it should be." },
	[JOTA_WHY_NEW_PROGRAM] = { "new-program", "A program of the new root cannot be started.",
		"Was the image built for this machine, and completely?" },
	[JOTA_WHY_OTHER_SYSTEM] = { "other-system", "The new root is another system than expected.",
		"Compare os-release of the image with the running one and with health.conf." },
	[JOTA_WHY_KERNEL_UNKNOWN] = { "kernel-unknown", "The release of the new kernel cannot be told.",
		"Is the kernel that the message names an arm64 Image, plain or gzip?" },
	[JOTA_WHY_MODULES_DIFFER] = { "modules-differ", "The new root has no modules for the new kernel.",
		"Build kernel and root file system together." },
	[JOTA_WHY_FIXED_ROOT] = { "root-fixed", "The command line of the new kernel fixes a slot.",
		"Take it out of boot.img or extlinux.conf: the boot loader adds root= and the slot." },
	[JOTA_WHY_UNIT_MASKED] = { "unit-masked", "A unit that is needed is masked in the new root.",
		"Unmask it when the image is built." },
	[JOTA_WHY_UNIT_DISABLED] = { "unit-not-enabled", "A unit that is needed is not enabled in the new root.",
		"Enable it when the image is built." },
	[JOTA_WHY_UNIT_SETTINGS] = { "unit-settings",
		"systemd would refuse the settings of a unit that is needed in the new root.",
		"Compare the unit with its drop-ins: 'systemd-analyze --root=IMAGE verify', 'systemctl --root=IMAGE cat'." },
	[JOTA_WHY_UNIT_CONDITION] = { "unit-condition",
		"A condition of a unit that is needed does not hold in the new root.",
		"Put the file into the image, or take the condition out of the unit or its drop-in." },
	[JOTA_WHY_NO_ANCHOR] = { "no-trust-anchor",
		"The new root has no certificate to check the next update with.",
		"Put it where public-key-file of its swupdate.cfg says." },
	[JOTA_WHY_ANCHOR_REFUSES] = { "trust-anchor-refuses",
		"The new root does not trust who signed this update, so it could not be updated again.",
		"Build the image with the certificate of this signer's authority too; see the rotation of keys." },
	[JOTA_WHY_DATA_TOO_NEW] = { "data-too-new",
		"The new system would change the data to a version that the running one does not know.",
		"Update to a version in between that knows both." },
	[JOTA_WHY_FIRMWARE_FALLBACK] = { "firmware-fallback",
		"The new slot was not confirmed in its allowed boots, and the firmware went back.",
		"It crashed, hung or lost power before its checks were done: 'jetson-slot history' may know more." },
	[JOTA_WHY_BOOT_INCOMPLETE] = { "boot-incomplete",
		"Something that boot-complete.target requires failed in the new slot.",
		"See 'jetson-slot history --last-failure'; 'systemctl list-dependencies boot-complete.target' names what is required." },
	[JOTA_WHY_BOOT_DEADLINE] = { "boot-deadline", "The new slot was not confirmed in time after its boot.",
		"A job hung, or jetson-health.service is masked or not enabled in the image." },
	[JOTA_WHY_EMERGENCY_MODE] = { "emergency-mode",
		"The new slot ended in emergency or rescue mode: often a mount of /etc/fstab that never appeared.",
		"See the journal of the failure for the unit that failed; give mounts that may be absent 'nofail'." },
};
/* clang-format on */

const char *jota_reason_word(enum jota_reason reason)
{
	return (size_t)reason < JOTA_WHY_COUNT ? reasons[reason].word : "unknown";
}

int jota_reason_parse(const char *word, enum jota_reason *ret)
{
	for (size_t i = 0; i < JOTA_WHY_COUNT; i++) {
		if (strcmp(reasons[i].word, word) != 0)
			continue;
		*ret = (enum jota_reason)i;
		return 0;
	}
	return -EINVAL;
}

const char *jota_reason_meaning(enum jota_reason reason)
{
	return (size_t)reason < JOTA_WHY_COUNT ? reasons[reason].meaning : "";
}

const char *jota_reason_advice(enum jota_reason reason)
{
	return (size_t)reason < JOTA_WHY_COUNT ? reasons[reason].advice : "";
}
