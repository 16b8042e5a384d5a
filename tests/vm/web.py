# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""The upload through the web page that comes with swupdate, by a real browser."""

import socket
import time

from browser import Browser
from machine import BOOT_S, Machine, Unexpected
from scenarios import boot_line, expect, expect_slots, first_boot, scenario

WEB_PORT = 8080
# Notes every change of the page: which of its messages is shown, and text and place of the bar. The
# message about the success may stand there for a moment only, until swupdate is idle again.
OBSERVE = """(() => { window.jota = []; const id = i => document.getElementById(i);
  const shown = i => getComputedStyle(id(i)).display != 'none';
  new MutationObserver(() => { const now = [
      ['idle', 'run', 'success', 'failure'].filter(n => shown('swu-' + n)).join(),
      id('swu-progress-name').textContent,
      Number(id('swu-progress-bar').getAttribute('aria-valuenow') || 0)];
    if (JSON.stringify(now) != JSON.stringify(window.jota.at(-1))) window.jota.push(now);
  }).observe(document.body, {attributes: true, childList: true, subtree: true}); })()"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_page(machine):
    """swupdate is started, and nobody waited until it serves."""
    page = f"wget -q -O /dev/null http://127.0.0.1:{WEB_PORT}/index.html"
    machine.run(f"for i in $(seq 900); do {page} && break; sleep 1; done; {page}")


def watch(browser, seconds):
    """Until the page says how the update ended: that, and every (name, percent) on the way."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = browser.evaluate("window.jota")
        ends = [status for status, _, _ in seen if status in ("success", "failure")]
        if ends:
            return ends[0], [[name, percent] for status, name, percent in seen if status == "run"]
        time.sleep(0.5)
    raise Unexpected(f"the page shows no end of the update; seen: {seen[-5:]}")


@scenario("upload through swupdate's own web page, by a browser")
def web_upload(build, name):
    port = free_port()
    with Machine(build, name, network=f"restrict=on,hostfwd=tcp:127.0.0.1:{port}-:{WEB_PORT}") as machine:
        first_boot(machine)
        wait_for_page(machine)
        with Browser(machine.folder / "profile", build / "vm" / "logs" / f"{name}-browser.log") as browser:
            browser.open(f"http://127.0.0.1:{port}/index.html",
                         "document.readyState == 'complete' && !!document.querySelector('.dz-hidden-input')"
                         " && getComputedStyle(document.getElementById('swu-idle')).display != 'none'")
            browser.evaluate(OBSERVE)
            browser.choose_file(".dz-hidden-input",
                                build / "vm" / "guest" / "packages" / "good-2.0.swu")
            status, steps = watch(browser, BOOT_S)
            browser.screenshot(build / "vm" / "logs" / f"{name}.png")
        machine.note(f"progress seen in the page: {steps}")
        if status != "success":
            raise Unexpected(f"the page says {status}: " + machine.run("tail -n 20 /run/web.log"))
        between = {percent for _, percent in steps if 0 < percent < 100}
        if len(between) < 5:
            raise Unexpected(f"the bar moved too little: {steps}")
        expect_slots(machine, "after the upload", "A", "B", "good", "trial")
        machine.reboot()
        expect("first boot of the trial", ("2.0", "B", "2.0"), boot_line(machine))
    return f"page says {status}; {len(between)} different places of the progress bar; B runs 2.0"
