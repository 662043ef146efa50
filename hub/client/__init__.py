"""The Python client: `AsyncHub`, and `Hub` for programs without a loop.

Floors, from the top: `sync` over `hub` over `task` and `options`; `link`, the only part
that knows asyncio and sockets, with `http` beside it; `conversation`, `following`,
`cursor` and `mailbox`, which do no I/O and read no clock.
"""

from hub.client.hub import AsyncHub as AsyncHub
from hub.client.sync import Hub as Hub
