"""Client frames as the wire has them: plain dicts, made by the protocol's tables."""

from typing import Any, Final

from hypothesis import strategies as st

from tests.samples import INTEGERS, VALUES

IDS: Final = st.one_of(st.text(max_size=10), INTEGERS)
NAMES: Final = st.text(max_size=12)
MILLISECONDS: Final = st.integers(0, 10**12)

WireFrame = dict[str, Any]  # a JSON object

REQUIRED: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "hello": {},
    "execute": {"id": IDS, "plugin": NAMES, "command": NAMES},
    "watch": {"id": IDS, "task_id": NAMES},
    "unwatch": {"task_id": NAMES},
    "more": {"task_id": NAMES, "n": INTEGERS},
    "cancel": {"id": IDS, "task_id": NAMES},
    "ping": {"id": IDS},
}
"""The fields that each frame must have, with values that are fine."""

OPTIONAL: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "hello": {
        "token": NAMES,
        "session": NAMES,
        "locale": NAMES,
        "client": NAMES,
        "progress_ms": MILLISECONDS,
    },
    "execute": {
        "params": st.dictionaries(st.text(max_size=8), VALUES, max_size=3),
        "key": st.text(min_size=1, max_size=40),
        "deadline_ms": MILLISECONDS,
        "priority": st.just("normal"),
        "cache": st.sampled_from(["use", "refresh", "off"]),
        "chunks": st.booleans(),
        "trace": st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    },
    "watch": {
        "from": st.integers(0, 2**63),
        "attempt": st.integers(1, 2**31),
        "chunks": st.booleans(),
    },
    "unwatch": {},
    "more": {},
    "cancel": {"reason": NAMES},
    "ping": {},
}
"""The fields that each frame may have."""


def wire_frames(*types: str) -> st.SearchStrategy[WireFrame]:
    """Return good frames of some types, of all by default."""
    return st.one_of(
        *(
            st.fixed_dictionaries(
                {"type": st.just(kind)} | REQUIRED[kind], optional=OPTIONAL[kind]
            )
            for kind in types or REQUIRED
        )
    )
