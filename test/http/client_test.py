#!/usr/bin/env python3
"""The OpenAPI document as others use it: linted by @redocly/cli, and a client generated from it drives a scenario.

    /usr/bin/python3 test/http/client_test.py [--binary PATH]      needs Node 20 or newer, and npm's registry once
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import shop  # noqa: E402
from api import Server  # noqa: E402
from program import Brand, Tally, arguments  # noqa: E402

HERE = pathlib.Path(__file__).parent / "client"
tally = Tally()


def npm(*words, **env):
    run = subprocess.run(["npm", *words], cwd=HERE, capture_output=True, text=True, check=False,
                         env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", **env})
    return run.returncode, run.stdout + run.stderr


def main():
    args = arguments(__doc__)
    code, said = npm("ci", "--no-audit", "--no-fund", "--loglevel", "error")
    if not tally.check(code == 0, f"npm ci: {said[-2000:]}"):
        tally.finish()
    code, said = npm("run", "--silent", "lint")
    warnings = re.search(r"(\d+) warning", said)
    tally.check(code == 0, f"redocly lint: {said[-3000:]}")
    print(f"redocly lint: {'valid' if code == 0 else 'errors'}, {warnings.group(1) if warnings else 'no'} warnings")
    code, said = npm("run", "--silent", "build")
    if not tally.check(code == 0, f"the client's types: {said[-3000:]}"):
        tally.finish()
    with tempfile.TemporaryDirectory(prefix="huitou-client-") as folder, Brand(args.binary, "sqlite", "CNY", "Asia/Shanghai") as brand:
        file, map_file = shop.write(pathlib.Path(folder))
        brand.run("import", "orders", file, "--map", map_file)
        with Server(brand.command("serve")) as server:
            server.wait_ready()
            code, said = npm("run", "--silent", "scenario", SETUP_URL=server.setup_url, PHONES=f"{shop.phone(1)},{shop.phone(2)}")
            tally.check(code == 0 and "went through" in said, f"the scenario: {said[-3000:]}")
    tally.finish()


if __name__ == "__main__":
    main()
