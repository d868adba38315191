"""The client: every scenario has connections of its own."""

import asyncio
import json
import time

import scenarios

# For one scenario, on a busy machine.
PATIENCE = 25
# For all of them, below the limit of whoever runs this.
LIMIT = 130


async def run(target):
    everything = True
    end = time.monotonic() + LIMIT
    for scenario in scenarios.ALL:
        start = time.monotonic()
        try:
            left = max(0.0, min(PATIENCE, end - start))
            detail, ok = await asyncio.wait_for(scenario(f"ws://{target}"), left), True
        except TimeoutError:
            detail, ok = f"not done within {left:.0f} s", False
        except Exception as error:
            detail, ok = f"{type(error).__name__}: {error}"[:1000], False
        everything = everything and ok
        name = scenario.__name__.replace("_", "-")
        millis = round((time.monotonic() - start) * 1000)
        print(json.dumps({"scenario": name, "ok": ok, "detail": detail or "", "millis": millis}))
    return 0 if everything else 1
