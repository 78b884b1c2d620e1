"""One upload by aiotus; prints the upload's URL. Usage: upload_by_aiotus.py ENDPOINT FILE."""

import asyncio
import sys
from pathlib import Path

import aiotus

endpoint, file = sys.argv[1:]
with Path(file).open("rb") as content:
    url = asyncio.run(aiotus.upload(endpoint, content, {"filename": b"f.bin"}))
if url is None:  # that is how it says that it failed; why, it only logs
    sys.exit("aiotus gave up")
sys.stdout.write(f"{url}\n")
