"""Are the ports the settings name free? Asked before anything starts: a taken one would only show as silence later."""

import errno
import os
import socket
from typing import Final

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.settings.plan import Plan

LOOPBACK: Final = "127.0.0.1"


def trouble(host: str, port: int) -> str:
    """Why nobody can listen on `host:port` now, in words; empty when one can. Port 0 is always free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        return f"no such address: {error.strerror}"
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return "taken by another program" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    return ""


def ports_of(plan: Plan) -> tuple[tuple[str, str, int], ...]:
    """Settings key, host and port of all that must be free. A taken dashboard port is replaced, so it is not here."""
    ports = [
        ("actors.console_port", plan.actors.host, plan.actors.console_port),
        ("actors.relay_port", plan.actors.host, plan.actors.relay_port),
    ]
    if plan.actors.outpost is not None:
        host, _, port = plan.actors.outpost.rpartition(":")
        ports.append(("actors.outpost", host, int(port)))
    if plan.venue.is_embedded:
        ports.append(("venue.embedded.port", LOOPBACK, plan.venue.embedded.port))
    return tuple(ports)


def check_ports(plan: Plan) -> None:
    """Refuse while a named port is taken.

    Raises:
        ConfigurationError: names every such key with its port, and the remedy.
    """
    found = [
        f"{key} is {port}, and {host}:{port} is not to be had ({why})"
        for key, host, port in ports_of(plan)
        if (why := trouble(host, port))
    ]
    if found:
        msg = f"{'; '.join(found)}. End that program, or choose another port (0 takes a free one)"
        raise ConfigurationError(msg)
