# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI, loaded once: each request is a fork of this process that runs the CLI's own main.

    python3 aws_warm.py SOCKET    (the Python that has awscli; started by aws_program.py)

What is real: all code of awscli and botocore, its reading of arguments, environment and files, its
HTTP, its output and its exit codes. What is not: its modules are imported, and what it reads from
its own data folder is read, before the request comes and not after. A request is one message with
the caller's standard output and standard error as descriptors; when the caller goes, its process
goes too.
"""
import contextlib
import ctypes
import gc
import inspect
import io
import json
import os
import signal
import socket
import sys
import threading

import awscli.clidriver
import awscli.utils
from botocore import hooks, loaders  # what the CLI calls the copy that it uses

PR_SET_PDEATHSIG = 1  # prctl(2)
NOWHERE = "http://127.0.0.1:1"
WARM_UP = (("ec2", "describe-vpcs"), ("ec2", "create-vpc-endpoint", "--vpc-id", "vpc-1"),
           ("route53", "list-hosted-zones-by-vpc", "--vpc-id", "vpc-1", "--vpc-region",
            "us-east-1"))
MESSAGE_BYTES = 1 << 20
DATA_PATH = os.path.join(os.path.dirname(awscli.__file__), "data")


def remember_models():
    """Parsed models are kept; each fork has a copy of its own to do with what it likes."""
    parsed = {}
    load = loaders.JSONFileLoader.load_file

    def load_once(self, path):
        if path not in parsed:
            parsed[path] = load(self, path)
        return parsed[path]
    loaders.JSONFileLoader.load_file = load_once


def remember_services():
    """Which services there are is read from hundreds of folders, five times in a command."""
    listed = {}
    list_services = loaders.Loader.list_available_services

    def list_once(self, type_name):
        key = (type_name, *self.search_paths)
        if key not in listed:
            listed[key] = list_services(self, type_name)
        return list(listed[key])
    loaders.Loader.list_available_services = list_once


def share_environment():
    """Every operation of a service, of hundreds, has a copy of the environment, for a pager that none
    of ours has: more than half of a command's work."""
    make = awscli.utils.OutputStreamFactory.__init__

    def make_without(self, session, popen=None, environ=None, **options):
        make(self, session, popen, os.environ if environ is None else environ, **options)
    awscli.utils.OutputStreamFactory.__init__ = make_without


def look_at_flags():
    """Whether each of the hundreds of handlers takes **kwargs is found out for each command anew."""
    find_out = hooks.accepts_kwargs

    def accepts_kwargs(func):
        code = getattr(getattr(func, "__func__", func), "__code__", None)
        return bool(code.co_flags & inspect.CO_VARKEYWORDS) if code else find_out(func)
    hooks.accepts_kwargs = accepts_kwargs


def warm_up():
    """Runs commands that get nowhere, so that what they import and read is there. Without the
    native library's logging, which begins a thread, and no thread survives a fork."""
    real, awscli.clidriver.disable_crt_logging = awscli.clidriver.disable_crt_logging, int
    for words in WARM_UP:
        sys.argv = ["aws", "--endpoint-url", NOWHERE, "--output", "json", *words]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            awscli.clidriver.main()
    awscli.clidriver.disable_crt_logging = real
    gc.collect()
    gc.freeze()


def die_with(connection):
    """The caller writes nothing more, so what can be read is its end."""
    connection.recv(1)
    os._exit(128 + signal.SIGKILL)


def run(connection, request, descriptors):
    """In the fork: never returns."""
    gc.disable()  # it is gone before there is anything to collect, and a tenth of its work is that
    os.setsid()
    for target, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    given = os.environ.get("AWS_DATA_PATH")  # as awscli does when it is imported
    os.environ["AWS_DATA_PATH"] = f"{given}{os.pathsep}{DATA_PATH}" if given else DATA_PATH
    sys.argv = ["aws", *request["arguments"]]
    threading.Thread(target=die_with, args=(connection,), daemon=True).start()
    try:
        code = awscli.clidriver.main()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    code = code if isinstance(code, int) else int(code is not None)
    connection.send(bytes([code & 0xFF]))
    os._exit(0)


def serve(connection):
    """In a fork of its own, so that a request that takes long holds up no other."""
    message, descriptors, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 2)
    if len(descriptors) == 2:
        run(connection, json.loads(message), descriptors)
    os._exit(1)


def main():
    path = sys.argv[1]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a test run that is killed
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    remember_models()
    remember_services()
    share_environment()
    look_at_flags()
    warm_up()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                serve(connection)
            connection.close()


if __name__ == "__main__":
    main()
