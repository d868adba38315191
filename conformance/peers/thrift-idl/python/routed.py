"""All dialects on one port of the proxy, which tells them apart and routes by service."""

import calls
import partners


def scenarios(library, partner, targets):
    for dialect, address in targets.items():
        yield f"{dialect}/routed", lambda checks, it=(dialect, address): routed(checks, library, partner, *it)
    if len(targets) > 1:
        yield "all/interleaved", lambda checks: interleaved(checks, library, partner, targets)


def routed(checks, library, partner, dialect, address):
    with library.connect(dialect, address) as connection:
        client = connection.client("Echo", dialect)
        for _ in range(10):
            checks.equal(client.whoami(), f"{partner} {dialect}", "who answered")
        calls.containers(checks, client, library.types, partners.cannot(library, partner, dialect))
        calls.declared_exceptions(checks, client, library.types)
        error = checks.raises(library.ApplicationException, client.fail, "application")
        checks.equal(error.type, partners.application_type(partner), "the exception's type")
        calls.one_way(checks, client)


def interleaved(checks, library, partner, targets):
    """A connection in each dialect, and a call on each in turn."""
    connections = {dialect: library.connect(dialect, address) for dialect, address in targets.items()}
    try:
        for turn in range(30):
            for dialect, connection in connections.items():
                client = connection.client("Echo", dialect)
                checks.equal(client.whoami(), f"{partner} {dialect}", "who answered")
                checks.equal(client.echo_i32(turn), turn)
    finally:
        for connection in connections.values():
            connection.close()
