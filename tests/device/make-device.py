#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Make and look at a folder that is a device (JOTA_ROOT) for the programs of this project."""

import argparse
import json
import sys
from pathlib import Path

import measure
from device import LAYOUTS, ROLES, Device, parse_size


def create(args):
    sizes = {}
    for word in args.part_size:
        role, _, size = word.partition("=")
        if role not in ROLES + ("userdata",) or not size:
            raise ValueError(f"--part-size '{word}': expected one of {', '.join(ROLES)}, userdata,"
                             " then = and a size")
        sizes[role] = parse_size(size)
    Device.create(args.root, args.layout, args.running, sizes, args.loops, args.env_init)


def boot_into(args):
    Device(args.root).boot_into(args.slot)


def show_env(args):
    variables = Device(args.root).environment.read()
    for name in args.name or sorted(variables):
        print(variables.get(name, "") if args.name else f"{name}={variables[name]}")


def env_serial(args):
    """The flags byte of the copy in use: one store raises it by one."""
    environment = Device(args.root).environment
    print(environment.copies()[environment.current()][4])


def write(args):
    Device(args.root).write_image(args.label, args.image)


def node(args):
    print(Device(args.root).node(args.label))


def erased(args):
    sys.exit(0 if Device(args.root).is_erased(args.label) else 1)


def running(args):
    print(Device(args.root).running())


def snapshot(args):
    json.dump(measure.snapshot(Device(args.root)), args.file, indent=1)


def changed(args):
    """What differs from a snapshot that was taken before, one name a line."""
    for name in measure.changed(json.load(args.file), measure.snapshot(Device(args.root))):
        print(name)


def model_options(args):
    print("\n".join(Device(args.root).model_options()))


def remove(args):
    Device(args.root).remove()


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def add(name, call, text):
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(call=call)
        return verb

    verb = add("create", create, "make a device with empty partitions in a new folder")
    verb.add_argument("--layout", choices=LAYOUTS, default="mission")
    verb.add_argument("--running", choices="AB", default="A", metavar="A|B")
    verb.add_argument("--part-size", action="append", default=[], metavar="ROLE=SIZE")
    verb.add_argument("--env-init", action="store_true", help="store a new board's environment")
    verb.add_argument("--loops", action="store_true", help="partitions are loop devices (root)")
    verb = add("boot-into", boot_into, "change what a reboot into a slot changes")
    verb.add_argument("slot", choices="AB", metavar="A|B")
    verb = add("env", show_env, "print the U-Boot environment, or the value of each NAME")
    verb.add_argument("name", nargs="*")
    add("env-serial", env_serial, "print the serial number of the U-Boot environment in use")
    verb = add("write", write, "put an image at the start of a partition, as a factory would")
    verb.add_argument("label")
    verb.add_argument("image", type=Path)
    add("node", node, "print the file of a partition").add_argument("label")
    add("erased", erased, "succeed if a partition's first block is zero").add_argument("label")
    add("running", running, "print the slot of the last boot")
    verb = add("snapshot", snapshot, "note the digest of everything stored")
    verb.add_argument("file", type=argparse.FileType("w"))
    verb = add("changed", changed, "print the names of what differs from a snapshot")
    verb.add_argument("file", type=argparse.FileType("r"))
    add("model-options", model_options, "print the options for the U-Boot model, one a line")
    add("remove", remove, "detach loop devices and delete the folder")
    return parser.parse_args()


def main():
    args = parse_args()
    try:
        args.call(args)
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"make-device.py: {error}")


if __name__ == "__main__":
    main()
