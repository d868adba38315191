"""Each of our dialects into each of the server's. A target is the dialect that the server hears."""

import uuid

import calls
import partners


def scenarios(library, partner, targets):
    for dialect in library.DIALECTS:
        for heard, address in targets.items():
            it = (dialect, heard, address)
            yield f"{dialect}>{heard}", lambda checks, it=it: translated(checks, library, partner, *it)


def translated(checks, library, partner, dialect, heard, address):
    types = library.types
    cannot = partners.cannot(library, partner, heard)
    with library.connect(dialect, address) as connection:
        client = connection.client("Echo")
        checks.equal(client.whoami(), f"{partner} {heard}", "who answered")
        calls.plain_types(checks, client, types, cannot)
        calls.containers(checks, client, types, cannot)
        calls.declared_exceptions(checks, client, types)
        calls.application_exceptions(checks, connection, library, partner)
        calls.one_way(checks, client)
        if "multiplexed" not in cannot:
            calls.multiplexed(checks, connection, types)
            checks.equal(connection.client("Echo", heard).whoami(), f"{partner} {heard}", "who answered")
        token = str(uuid.uuid4())
        for number in range(10):
            client.note(token, number)
            checks.equal(client.echo_i32(number), number)
        calls.noted(checks, client, token, list(range(10)))
