"""Takes the pictures that the documentation shows, from a finished study's folder. Run by hand:

    python tests/browser/pictures.py runs/demo docs/images

Writes record-page.png, record-trial.png, tensorboard-hparams.png and tensorboard-parallel.png, with few colours so that
they stay small; with a third argument, a folder with the record in Chinese, record-page-zh.png too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PORT = 6116
COLOURS = 96
SECONDS_TO_LOAD = 60
SETTLING_MS = 9000


def take(folder: Path, target: Path, chinese: Path | None = None) -> None:
    """All pictures."""
    target.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1300})
        _record(page, folder, target)
        if chinese is not None:
            page.set_viewport_size({"width": 1280, "height": 1300})
            page.goto((chinese / "record.html").absolute().as_uri())
            _save(page, target / "record-page-zh.png")
        page.set_viewport_size({"width": 1500, "height": 1000})
        _tensorboard(page, folder, target)
        browser.close()


def _record(page: Page, folder: Path, target: Path) -> None:
    page.goto((folder / "record.html").absolute().as_uri())
    _save(page, target / "record-page.png")
    page.evaluate("document.getElementById('trials').open = true")
    best = page.locator("#full tr.best .open")
    (best if best.count() else page.locator("#full .open")).first.click()
    _save(page, target / "record-trial.png")


def _tensorboard(page: Page, folder: Path, target: Path) -> None:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder / "tensorboard"), "--port", str(PORT),
               "--host", "127.0.0.1"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{PORT}/data/runs")
        page.goto(f"http://127.0.0.1:{PORT}/#hparams")
        page.wait_for_timeout(SETTLING_MS)
        _save(page, target / "tensorboard-hparams.png")
        page.get_by_text("Parallel Coordinates View").dispatch_event("click")
        page.wait_for_timeout(SETTLING_MS)
        _save(page, target / "tensorboard-parallel.png")
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address: str) -> None:
    for _ in range(SECONDS_TO_LOAD):
        try:
            if len(urllib.request.urlopen(address, timeout=2).read()) > 4:
                time.sleep(5)
                return
        except OSError:
            pass
        time.sleep(1)
    raise SystemExit(f"{address}: TensorBoard did not answer within {SECONDS_TO_LOAD} s")


def _save(page: Page, path: Path) -> None:
    page.screenshot(path=str(path), timeout=120_000)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    take(*map(Path, sys.argv[1:4]))
