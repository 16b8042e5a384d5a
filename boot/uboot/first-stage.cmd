# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# The whole boot command of a fixed first stage: the U-Boot that is never updated and starts the one in
# A_bootloader or B_bootloader. It stands in the first stage's own device tree (/config/bootcmd), where
# the stored environment cannot replace it. README.md has the reasons; joined to one line by
# `join-env.sh --command`.

# U-Boot has counted this boot. Too many: the environment's script changes the choice and saves it.
if itest ${bootcount} -gt ${bootlimit}; then run jota_fall_back; fi;

# The same choice as the second stage will make, by the same script.
run jota_choose;
for first_slot in ${jota_slot} ${jota_spare}; do
	if test "${first_slot}" != none; then
		setenv first_label A_bootloader;
		if test "${first_slot}" = B; then setenv first_label B_bootloader; fi;
		echo "[first] slot ${first_slot}: reading ${first_label}";
		if mmc dev ${jota_dev} &&
			part start mmc ${jota_dev} ${first_label} first_lba &&
			part size mmc ${jota_dev} ${first_label} first_blocks &&
			mmc read ${jota_addr} ${first_lba} ${first_blocks} &&
			iminfo ${jota_addr}; then
			echo "[first] slot ${first_slot}: starting the bootloader";
			bootm ${jota_addr} - ${fdtcontroladdr};
		fi;
		echo "[first] slot ${first_slot}: the bootloader cannot be started";
	fi;
done;
echo "[first] no bootloader to start, reset";
reset
