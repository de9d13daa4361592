#!/usr/bin/env python3
"""A worker for manual runs, of the standard library alone: Python 3.9 or later.

    RUNWIRE_URL=http://127.0.0.1:7070 python3 worker.py PROGRAM [ARGUMENT...]

For every run it claims it starts PROGRAM with the invocation (JSON) on standard input, reports what it writes as it
comes, uploads what it leaves in $RUNWIRE_ARTIFACT_DIR, and completes the run with its exit code.
RUNWIRE_TOKEN: token of the server, if it has one. RUNWIRE_RUNTIME_NAME: only runs of this name. WORKER_RUNS: stop after
so many runs.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SERVER = os.environ.get("RUNWIRE_URL", "http://127.0.0.1:7070")
LEASE_SECONDS = 60


class Fenced(Exception):
    """The claim is lost, or the run is over: its work is of no use to anyone."""


def call(method, path, token=None, body=None, media_type="application/json"):
    """One request, tried again while the network or the server has trouble. None: 204."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": media_type}
    if token:
        headers["Authorization"] = "Bearer " + token
    wait = 0.25
    while True:
        url = urllib.parse.urljoin(SERVER, path)
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            if error.code == 409:
                raise Fenced(words) from None
            if error.code < 500 and error.code != 429:
                raise RuntimeError(f"{method} {path}: {error.code} {words}") from None
        except OSError:
            pass
        time.sleep(wait)
        wait = min(wait * 2, 15)


class Run:
    def __init__(self, claimed):
        self.invocation = claimed["invocation"]
        self.token = claimed["claim"]["token"]
        self.urls = claimed["claim"]["urls"]
        self.trouble = None
        self.cancelled = False
        self.over = threading.Event()

    def say(self, what, body):
        return call("POST", self.urls[what], self.token, body)

    def relay(self, name, stream):
        """The offset makes a batch that is sent twice count once."""
        offset = 0
        while chunk := stream.read1(65536):
            if self.trouble:
                continue
            event = {"type": name, "offset": offset, "base64": base64.b64encode(chunk).decode()}
            offset += len(chunk)
            self.attempt(lambda event=event: self.say("events", [event]))

    def listen(self):
        """Heartbeats that answer early when the run is to be cancelled."""
        while not self.over.is_set() and not self.trouble:
            answer = self.attempt(lambda: self.say("heartbeat", {"wait_seconds": LEASE_SECONDS / 4}))
            if answer and answer["cancel_requested"]:
                self.cancelled = True
                self.child.terminate()
                return

    def attempt(self, request):
        try:
            return request()
        except Exception as error:
            if not self.over.is_set():
                self.trouble = error
                self.child.kill()
            return None

    def work(self, command):
        with tempfile.TemporaryDirectory() as directory:
            environment = {**os.environ, **self.invocation["environment"], "RUNWIRE_ARTIFACT_DIR": directory}
            environment.pop("RUNWIRE_TOKEN", None)
            pipe = subprocess.PIPE
            self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
            threads = [
                threading.Thread(target=self.relay, args=("stdout", self.child.stdout)),
                threading.Thread(target=self.relay, args=("stderr", self.child.stderr)),
            ]
            for thread in threads:
                thread.start()
            threading.Thread(target=self.listen, daemon=True).start()
            try:
                self.child.stdin.write(json.dumps(self.invocation).encode())
                self.child.stdin.close()
            except OSError:
                pass  # it may not read
            code = self.child.wait()
            for thread in threads:
                thread.join()
            if self.trouble:
                raise self.trouble
            for name in os.listdir(directory):
                with open(os.path.join(directory, name), "rb") as file:
                    path = self.urls["artifacts"] + "/" + urllib.parse.quote(name)
                    call("PUT", path, self.token, file.read(), "application/octet-stream")
            status = "cancelled" if self.cancelled else "succeeded" if code == 0 else "failed"
            self.over.set()
            self.say("completion", {"status": status, "exit_code": code})
            return status


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit("usage: worker.py PROGRAM [ARGUMENT...]")
    request = {"worker": f"{socket.gethostname()} {os.getpid()}", "lease_seconds": LEASE_SECONDS, "wait_seconds": 30}
    if name := os.environ.get("RUNWIRE_RUNTIME_NAME"):
        request["runtime_name"] = name
    left = int(os.environ.get("WORKER_RUNS", "-1"))
    while left != 0:
        claimed = call("POST", "/manual/claims", os.environ.get("RUNWIRE_TOKEN"), request)
        if claimed is None:
            continue
        left -= 1
        run = Run(claimed)
        try:
            print(run.invocation["invocation_id"], run.work(command), flush=True)
        except Fenced:
            print(run.invocation["invocation_id"], "is no longer ours", file=sys.stderr, flush=True)
        except Exception as error:
            try:
                run.say("completion", {"status": "failed", "error_summary": str(error)})
            except Exception:
                pass


if __name__ == "__main__":
    main()
