"""Testing plugins without a server: in simulated time, up to a point, through a death.

```python
from hub.testing import TestHub

def test_price():
    with TestHub(Shop, config={"currency": "CHF"}) as hub:
        assert hub.run("shop.price", item="apple").result == "5 CHF"
```
"""

from hub.client.cursor import Event, Log
from hub.errors import HubError, PluginRefusedError
from hub.testing.hubs import AsyncCaller, AsyncTestHub
from hub.testing.loops import NothingHappensError, VirtualLoop, simulated
from hub.testing.plain import Caller, TestHub
from hub.testing.points import (
    Point,
    after_chunk,
    at_message,
    at_progress,
    before_finish,
)
from hub.testing.tasks import TestTask
from hub.testing.wishes import Options

__all__ = [
    "AsyncCaller",
    "AsyncTestHub",
    "Caller",
    "Event",
    "HubError",
    "Log",
    "NothingHappensError",
    "Options",
    "PluginRefusedError",
    "Point",
    "TestHub",
    "TestTask",
    "VirtualLoop",
    "after_chunk",
    "at_message",
    "at_progress",
    "before_finish",
    "simulated",
]
