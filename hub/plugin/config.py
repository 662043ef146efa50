"""A plugin's table of the configuration, checked against its `Config`."""

import inspect
from collections.abc import Mapping

import msgspec

from hub.plugin.errors import error_text
from hub.plugin.refusal import refused_at


def config_of(
    cls: type[object], name: str, table: Mapping[str, object]
) -> msgspec.Struct | None:
    """Convert a plugin's table; None where the plugin declares no `Config`.

    Text is converted to numbers and so on where the field asks for it: values that
    come from the environment are text.

    Raises:
        PluginRefusedError: A key is missing, unknown or has a wrong value; the reason
            names it.
    """
    config = getattr(cls, "Config", None)
    if config is None:
        return None
    if not inspect.isclass(config) or not issubclass(config, msgspec.Struct):
        raise refused_at(cls, "Config is no msgspec.Struct")
    known = {field.encode_name for field in msgspec.structs.fields(config)}
    for key in table:
        if key not in known:
            choices = ", ".join(sorted(known)) or "none"
            raise refused_at(
                cls, f"[plugin.{name}] has no key {key!r}; the keys are: {choices}"
            )
    try:
        return msgspec.convert(dict(table), config, strict=False)
    except msgspec.ValidationError as error:
        said, _, path = str(error).rpartition(" - at `$.")
        where = f"{path.rstrip('`')}: " if said else ""
        text = f"[plugin.{name}] {where}{said or str(error)}"
        raise refused_at(cls, text) from None
    except Exception as error:  # (its own __post_init__ may raise anything)
        raise refused_at(cls, f"[plugin.{name}] {error_text(error)}") from error
