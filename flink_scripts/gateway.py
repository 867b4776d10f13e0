"""PyFlink's gateway, the JVM that a client of Flink runs beside itself, with a login.

PyFlink starts it without one: as long as it runs, every process of the machine could connect to its port on
loopback and run code. Here py4j's own server starts instead. It makes a token, tells it on a pipe, and ends
when this process ends.

    python -m flink_scripts.gateway MODULE    runs MODULE as `python -m MODULE` does, with such a gateway
"""

from __future__ import annotations

import os
import runpy
import secrets
import subprocess
import sys
import threading
from typing import IO, Any, cast

from flink_scripts.errors import GatewayError

_SERVER = "org.apache.flink.api.python.shaded.py4j.GatewayServer"
_START_SECONDS = 120.0


def require_login() -> None:
    """Let PyFlink start its gateway, when it needs one, as this module does. That raises GatewayError."""
    from pyflink import java_gateway

    java_gateway.launch_gateway = _launch


def _launch() -> Any:
    """What PyFlink's own function of this name does."""
    from py4j.java_gateway import CallbackServerParameters, GatewayParameters, JavaGateway

    port, token = _start()
    gateway = JavaGateway(
        gateway_parameters=GatewayParameters(port=port, auto_convert=True, auth_token=token),
        # PyFlink also listens, for Java to call Python functions that SQL names. No job of ours has one. Java
        # is not told this token, so nobody gets in.
        callback_server_parameters=CallbackServerParameters(
            port=0, daemonize=True, daemonize_connections=True, auth_token=secrets.token_hex(32)
        ),
    )
    # PyFlink puts objects for Java into this map. Its own server has one, py4j's does not.
    gateway.entry_point = gateway.jvm.java.util.HashMap()
    return gateway


def _start() -> tuple[int, str]:
    """Start the JVM. Returns its port and its token."""
    process = subprocess.Popen(
        _command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    said = cast("IO[str]", process.stdout)
    timer = threading.Timer(_START_SECONDS, process.kill)
    timer.start()
    try:
        for line in said:
            if line.strip().isdecimal():
                port, token = int(line), said.readline().strip()
                break
            sys.stderr.write(line)  # a warning of the JVM
        else:
            raise GatewayError(f"PyFlink's gateway ended, or did not start within {_START_SECONDS:.0f} s")
    finally:
        timer.cancel()
    # What Java prints later must not fill the pipe.
    threading.Thread(target=_pass_on, args=(process,), daemon=True).start()
    return port, token


def _command() -> list[str]:
    """PyFlink's command line of a gateway, with py4j's server."""
    from pyflink import pyflink_gateway_server as library

    environ = dict(os.environ)
    library.prepare_environment_variables(environ)
    class_path = (library.construct_flink_classpath(environ), library.construct_hadoop_classpath(environ))
    return [
        library.find_java_executable(),
        *environ.get("JVM_ARGS", "").split(),
        *library.get_jvm_opts(environ),
        *library.construct_log_settings(environ),
        *("-cp", os.pathsep.join(class_path)),
        *(_SERVER, "--die-on-broken-pipe", "--enable-auth", "0"),
    ]


def _pass_on(process: subprocess.Popen[str]) -> None:
    """Pass on what the JVM prints. The JVM ends when its input is closed; the thread keeps it open."""
    for line in cast("IO[str]", process.stdout):
        sys.stderr.write(line)


def main(argv: list[str]) -> None:
    """Run the module that the first argument names."""
    require_login()
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
