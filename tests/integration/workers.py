# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Run the tests in a few forks of pytest: swupdate -i sleeps a second whenever it waits for the end
of an update, and one test after the other would mostly wait.

JOTA_WORKERS says how many; 1 is pytest's own way (for a debugger).
"""

import multiprocessing
import os

from _pytest.runner import runtestprotocol

WORKERS = 4


def count(session):
    if session.config.option.collectonly or session.config.getoption("usepdb"):
        return 1
    return int(os.environ.get("JOTA_WORKERS", WORKERS))


def work(session, items, todo, done, records):
    """In a fork: take numbers until there are none."""
    config = session.config
    # Captured text would go into one file that all forks share.
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture._method = "sys"
    capture.start_global_capturing()
    while (number := todo.get()) is not None:
        records.begin()
        reports = runtestprotocol(items[number], nextitem=stranger(items, number), log=False)
        data = [config.hook.pytest_report_to_serializable(config=config, report=report)
                for report in reports]
        done.put((number, data, records.noted))
    session._setupstate.teardown_exact(None)
    done.put((None, None, None))


def stranger(items, number):
    """A test of another file: what it does not share, all but the session, is taken down."""
    item = items[number]
    return next((one for one in items if one.path != item.path), items[number - 1])


def run(session, items, records, workers):
    """Start the forks, show their reports as pytest would, gather the cases in the tests' order."""
    context = multiprocessing.get_context("fork")
    todo, done = context.SimpleQueue(), context.SimpleQueue()
    for number in [*range(len(items)), *[None] * workers]:
        todo.put(number)
    forks = [context.Process(target=work, args=(session, items, todo, done, records))
             for _ in range(workers)]
    for fork in forks:
        fork.start()
    noted, running = {}, workers
    while running:
        number, data, rows = done.get()
        if number is None:
            running -= 1
            continue
        noted[number] = rows
        show(session, items[number], data)
        if session.shouldfail or session.shouldstop:
            for fork in forks:
                fork.terminate()
            break
    for fork in forks:
        fork.join()
    for number in sorted(noted):
        for row in noted[number]:
            records.add(*row)


def show(session, item, data):
    config = session.config
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for one in data:
        report = config.hook.pytest_report_from_serializable(config=config, data=one)
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
