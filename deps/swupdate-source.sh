#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
#
# Unpacks SWUpdate 2022.12, whose headers the plugin is compiled with, into build/host/.
set -eu
exec "$(dirname "$0")/debian-source.sh" swupdate-2022.12
