"""Runs scenarios and tells what came of them."""

import json
import time

import calls
import errors
import routed
import thrifttest
import translated

# For all scenarios, below the limit of whoever runs this. One that hangs is ended by its sockets' own limits.
LIMIT = 130
SUITES = {
    "calls": calls.scenarios,
    "thrifttest": thrifttest.scenarios,
    "sniff": routed.scenarios,
    "errors": errors.scenarios,
    "translate": translated.scenarios,
}


class Checks:
    """Counts what was compared."""

    def __init__(self):
        self.count = 0

    def equal(self, actual, expected, what="it"):
        self.count += 1
        if actual != expected or type(actual) is not type(expected):
            raise AssertionError(f"{what} is {short(actual)} and not {short(expected)}")

    def true(self, is_true, what):
        self.count += 1
        if not is_true:
            raise AssertionError(f"not so: {what}")

    def raises(self, kind, call, *args):
        self.count += 1
        try:
            value = call(*args)
        except kind as error:
            return error
        raise AssertionError(f"{short(value)} came and no {kind.__name__}")


def short(value):
    text = repr(value)
    return text if len(text) < 200 else f"{text[:150]}… ({len(text)} characters)"


def run(library, suite, partner, targets):
    everything = True
    end = time.monotonic() + LIMIT
    for name, scenario in SUITES[suite](library, partner, targets):
        start = time.monotonic()
        checks = Checks()
        if start > end:
            ok, detail = False, f"not run: the others took {LIMIT} s"
        else:
            try:
                scenario(checks)
                ok, detail = checks.count > 0, f"{checks.count} checks"
            except Exception as error:
                ok, detail = False, f"{type(error).__name__}: {error}"[:1000]
        everything = everything and ok
        millis = round((time.monotonic() - start) * 1000)
        print(json.dumps({"scenario": name, "ok": ok, "detail": detail, "millis": millis}), flush=True)
    return 0 if everything else 1
