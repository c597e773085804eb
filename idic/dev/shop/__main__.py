"""Serve the shop on this machine: ``python -m idic.dev.shop --port 8702``."""

from __future__ import annotations

import argparse

import uvicorn

from idic.dev.shop.segment_events import SegmentReports
from idic.dev.shop.site import create_shop
from idic.settings import load


def main() -> None:
    """Read the arguments and serve, with the keys of the environment."""
    parser = argparse.ArgumentParser(prog="python -m idic.dev.shop", description=__doc__)
    parser.add_argument("--port", type=int, default=8702, help="port to listen on")
    port = parser.parse_args().port
    settings = load()
    write_key, proof_key, signing_key = (
        keys[0].get_secret_value() for keys in (settings.write_keys, settings.proof_keys, settings.signing_keys)
    )
    reports = SegmentReports(write_key, settings.public_url)
    shop = create_shop(
        settings.public_url, f"http://localhost:{port}", write_key=write_key, proof_key=proof_key, cookie_key=signing_key,
        reports=reports,
    )  # fmt: skip
    uvicorn.run(shop, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)
    reports.close()


if __name__ == "__main__":
    main()
