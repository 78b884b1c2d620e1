"""One upload by tuspy; prints the upload's URL. Usage: upload_by_tuspy.py ENDPOINT FILE."""

import sys

from tusclient.client import TusClient

endpoint, file = sys.argv[1:]
metadata = {"filename": "f.bin", "filetype": "application/octet-stream"}
uploader = TusClient(endpoint).uploader(file, metadata=metadata, retries=10, retry_delay=1)
uploader.upload()
sys.stdout.write(f"{uploader.url}\n")
