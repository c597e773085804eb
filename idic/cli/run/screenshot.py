"""Take a picture of a page with the Chromium of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
_MEASURE = "<script>document.documentElement.dataset.idicHeight = document.documentElement.scrollHeight</script>"
_TALLEST = 6000
_SECONDS = 40


def browser() -> str | None:
    """The path of Chromium or Chrome, if installed."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or next((str(path) for path in _APPLICATIONS if path.exists()), None)


def screenshot(chromium: str, html: str, picture: Path, width: int) -> bool:
    """Save the whole page as PNG, ``width`` CSS pixels wide. Returns whether it worked."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        page.write_text(html + _MEASURE, encoding="utf-8")
        command = [
            chromium, "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={folder}/profile",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to run as root with its sandbox
        measured = _run([*command, f"--window-size={width},200", "--dump-dom", page.as_uri()])
        height = re.search(r'data-idic-height="(\d+)"', measured or "")
        if height is None:
            return False
        page.write_text(html, encoding="utf-8")
        size = f"--window-size={width},{min(max(int(height[1]), 120), _TALLEST)}"
        painted = _run([*command, size, f"--screenshot={picture.resolve()}", page.as_uri()])
        return painted is not None and picture.exists()


def _run(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 (our own arguments)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
