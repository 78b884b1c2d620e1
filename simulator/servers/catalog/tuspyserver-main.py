"""tuspyserver as its README starts it. Usage: tuspyserver-main.py HOST PORT DIRECTORY."""

import sys

import uvicorn
from fastapi import FastAPI
from tuspyserver import create_tus_router

host, port, directory = sys.argv[1:]
app = FastAPI()
app.include_router(create_tus_router(prefix="files", files_dir=directory))
uvicorn.run(app, host=host, port=int(port))
