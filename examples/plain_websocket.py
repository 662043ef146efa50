"""A client in 40 lines: python plain_websocket.py URL PLUGIN COMMAND PARAMS."""

import json
import sys
import time
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def run(url: str, ask: dict[str, object]) -> str:
    """Execute a command, print its output; return how it ended."""
    last = 0  # nothing up to this number is printed again
    while True:
        try:
            with connect(url) as socket:
                socket.send(json.dumps({"id": 1, **ask}))
                for message in socket:
                    found = json.loads(message)
                    for frame in found if isinstance(found, list) else [found]:
                        kind, seq = frame["type"], frame.get("seq", frame.get("to", 0))
                        if kind == "result" or (kind == "error" and not frame["retry"]):
                            return str(frame.get("response", frame))
                        if kind == "opened":
                            ask = {"type": "watch", "task_id": frame["task_id"]}
                        elif seq > last:
                            last = seq
                            print(frame.get("data", kind))
                        ask["from"] = last
        except (OSError, ConnectionClosed):
            time.sleep(0.5)


if __name__ == "__main__":
    if not sys.argv[4:]:
        sys.exit(__doc__)
    url, plugin, command, params = sys.argv[1:5]
    ask = {"plugin": plugin, "command": command, "params": json.loads(params)}
    print(run(url, {"type": "execute", "key": str(uuid4()), **ask}))
