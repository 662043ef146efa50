"""What goes wrong with a weather service, said to people in their language."""

from hub import TaskError

TEXTS = {
    "bad_key": ("API key is invalid or expired", "API密钥无效或已过期"),
    "unknown_city": ("No place named “{city}” was found", "找不到名为“{city}”的地点"),
    "too_many_days": (
        "OpenWeatherMap looks at most {most} days ahead",
        "OpenWeatherMap 最多提供 {most} 天的预报",
    ),
    "unreachable": (
        "The weather service {host} cannot be reached",
        "无法连接天气服务 {host}",
    ),
    "too_slow": (
        "The weather service {host} did not answer within {seconds:g} s",
        "天气服务 {host} 在 {seconds:g} 秒内没有应答",
    ),
    "unavailable": (
        "The weather service {host} is out of order (HTTP {status})",
        "天气服务 {host} 暂时不可用（HTTP {status}）",
    ),
    "busy": (
        "The weather service {host} asks for fewer requests",
        "天气服务 {host} 请求过于频繁",
    ),
    "refused": (
        "The weather service {host} refused the request (HTTP {status})",
        "天气服务 {host} 拒绝了请求（HTTP {status}）",
    ),
    "bad_answer": (
        "The weather service {host} sent an answer that makes no sense",
        "天气服务 {host} 的应答无法识别",
    ),
}
"""English and Chinese by the plugin's own error code."""

PASSING = frozenset({"unreachable", "too_slow", "unavailable", "busy"})
"""Troubles that may be over when the command is run again."""


def text(code: str, locale: str, **arguments: object) -> str:
    """Say a trouble in the caller's language; `arguments` fill the sentence."""
    english, chinese = TEXTS[code]
    return (chinese if locale == "zh-CN" else english).format(**arguments)


def trouble(code: str, locale: str, **arguments: object) -> TaskError:
    """Make the error to raise for a trouble."""
    return TaskError(text(code, locale, **arguments), code=code, retry=code in PASSING)
