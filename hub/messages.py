"""The hub's own texts, English and Chinese, by code and arguments.

Rules:
    1. What is stored and counted is a code with arguments; a text is made when it is
       shown, for the reader's locale.
    2. A code has one or more forms per locale, the one that says most first. The first
       whose arguments are all there is taken; the last needs none. So a missing
       argument costs a detail, never an exception.
    3. An unknown code is its own text: a plugin's own code is better than nothing.
    4. Plugins' texts never pass through here: they are shown as they were said.
"""

import re
from string import Formatter

LOCALES = ("en", "zh-CN")
"""The locales the hub has texts in; the first is what it falls back to."""

_MOST_RANGES = 16
"""Wishes of an Accept-Language list that are read; browsers send half a dozen."""
_LONGEST_LIST = 500
_LANGUAGE = re.compile(r"[a-z]+(?![a-z])|\*")
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")

_Forms = tuple[str, ...]

_ENGLISH: dict[str, _Forms] = {
    # The states of a task.
    "created": (
        "Task accepted; no worker serves the pool {pool} yet",
        "Task accepted",
    ),
    "running": ("Task running",),
    "completed": ("Task completed",),
    "failed": ("Task failed",),
    "cancelled": ("Task cancelled",),
    # Why a request was refused.
    "bad_frame": (
        "The frame cannot be understood: {reason}",
        "The frame cannot be understood",
    ),
    "unknown_type": (
        "The hub knows no frame of type {type}",
        "The hub knows no frame of this type",
    ),
    "unauthenticated": ("A valid token is needed",),
    "forbidden": ("This is not allowed for you",),
    "unknown_command": (
        "There is no command {plugin}.{command}",
        "There is no such command",
    ),
    "not_found": ("There is no such task, or it is no longer kept",),
    "key_conflict": ("This key was already used for another request",),
    "frame_too_large": (
        "The frame is larger than {limit} bytes",
        "The frame is too large",
    ),
    "invalid_params": (
        "Parameter {field}: {reason}",
        "Parameter {field} is not valid",
        "The parameters are not valid",
    ),
    "rate_limited": ("Too many requests; try again a little later",),
    "queue_full": ("Too many tasks are waiting; try again later",),
    "draining": ("The hub is about to stop; try again shortly",),
    "unavailable": ("The hub cannot take this now; try again later",),
    "storage_full": ("The hub's store is full; try again later",),
    # How a run ended badly.
    "deadline_exceeded": (
        "The task took longer than {seconds} s",
        "The task took longer than it was allowed to",
    ),
    "output_too_large": (
        "The output is larger than {limit} bytes",
        "The output is too large",
    ),
    "chunk_too_large": (
        "One chunk is larger than {limit} bytes",
        "One chunk is too large",
    ),
    "poisoned": ("The task was given up: its process died again and again",),
    "plugin_error": ("{plugin}.{command} failed", "The command failed"),
    "worker_lost": (
        "The process that ran the task was ended by {signal}",
        "The process that ran the task ended with exit code {exit_code}",
        "The process that ran the task was lost: {reason}",
        "The worker that ran the task was lost",
    ),
    "hub_restarted": ("The hub was restarted while the task was running",),
    "internal": ("The hub made a mistake; its log says more",),
    # What the hub says in a run's own log.
    "log_dropped": (
        "{count} more log records were left out",
        "More log records were left out",
    ),
}

_CHINESE: dict[str, _Forms] = {
    "created": ("任务已接受；目前没有工作进程服务于资源池 {pool}", "任务已接受"),
    "running": ("任务执行中",),
    "completed": ("任务执行成功",),
    "failed": ("任务执行失败",),
    "cancelled": ("任务已取消",),
    "bad_frame": ("无法解析该帧：{reason}", "无法解析该帧"),
    "unknown_type": ("未知的帧类型：{type}", "未知的帧类型"),
    "unauthenticated": ("需要有效的令牌",),
    "forbidden": ("没有权限执行此操作",),
    "unknown_command": ("命令不存在：{plugin}.{command}", "命令不存在"),
    "not_found": ("任务不存在或已过期",),
    "key_conflict": ("该键已用于另一个请求",),
    "frame_too_large": ("帧过大，超过 {limit} 字节", "帧过大"),
    "invalid_params": (
        "参数 {field}：{reason}",
        "参数 {field} 无效",
        "参数无效",
    ),
    "rate_limited": ("请求过于频繁，请稍后再试",),
    "queue_full": ("等待中的任务过多，请稍后再试",),
    "draining": ("服务即将停止，请稍后再试",),
    "unavailable": ("服务暂不可用，请稍后再试",),
    "storage_full": ("存储空间已满，请稍后再试",),
    "deadline_exceeded": ("任务执行超过 {seconds} 秒", "任务执行超时"),
    "output_too_large": ("输出过大，超过 {limit} 字节", "输出过大"),
    "chunk_too_large": ("单个数据块过大，超过 {limit} 字节", "单个数据块过大"),
    "poisoned": ("任务已放弃：执行进程多次异常退出",),
    "plugin_error": ("命令 {plugin}.{command} 执行失败", "命令执行失败"),
    "worker_lost": (
        "执行任务的进程被 {signal} 终止",
        "执行任务的进程已退出，退出码 {exit_code}",
        "执行任务的进程已丢失：{reason}",
        "执行任务的工作进程已丢失",
    ),
    "hub_restarted": ("任务执行期间服务已重启",),
    "internal": ("服务内部错误，详见服务日志",),
    "log_dropped": ("另有 {count} 条日志已省略", "其余日志已省略"),
}

TEXTS: dict[str, dict[str, _Forms]] = {"en": _ENGLISH, "zh-CN": _CHINESE}
"""The forms of every text, by locale and code."""


_PLAIN: dict[tuple[str, str], str] = {
    (code, locale): forms[-1]
    for locale, texts in TEXTS.items()
    for code, forms in texts.items()
}
"""The forms without arguments: the texts of every task's frames."""


def text(code: str, locale: str, /, **arguments: object) -> str:
    """Return the hub's text for a code. Never raises.

    Args:
        code: A status or an error code.
        locale: One of ``LOCALES``; any other is taken as :func:`best_locale` does.
        arguments: Details that the text may use; None counts as missing.

    Returns:
        The text, or the code itself where the hub has none.
    """
    if not arguments:
        plain = _PLAIN.get((code, locale))
        if plain is not None:
            return plain
    texts = TEXTS.get(locale) or TEXTS[best_locale(locale)]
    given = {name: value for name, value in arguments.items() if value is not None}
    for form in texts.get(code, ()):
        if _arguments_of(form) <= given.keys():
            return form.format_map(given)
    return code


def _arguments_of(form: str) -> set[str]:
    """Return the names of a form's arguments."""
    return {name for _, name, _, _ in Formatter().parse(form) if name}


def best_locale(wanted: str | None, default: str = LOCALES[0]) -> str:
    """Return the locale of ``LOCALES`` that suits a reader best. Never raises.

    Args:
        wanted: A language tag (``zh-Hans-CN``, ``zh_CN.UTF-8``) or a whole
            ``Accept-Language`` list (``zh-CN,zh;q=0.9,en;q=0.5``).
        default: Which of ``LOCALES`` it is where nothing suits, or all do.
    """
    if not wanted or wanted in LOCALES:
        return wanted or default
    ranges = _ranges(wanted)
    refused = {language for language, quality in ranges if quality == 0}
    choices = [default, *LOCALES]
    for language, quality in ranges:
        if quality > 0:
            for locale in choices:
                own = locale.partition("-")[0]
                if own not in refused and language in (own, "*"):
                    return locale
    return default


def _ranges(wanted: str) -> list[tuple[str, float]]:
    """Return the languages of a list and how much each is wanted, the most first."""
    found: list[tuple[str, float]] = []
    for item in wanted[:_LONGEST_LIST].split(",")[:_MOST_RANGES]:
        tag, _, parameters = item.partition(";")
        # Regions, scripts and encodings make no difference among the hub's locales.
        language = _LANGUAGE.match(tag.strip().lower())
        if language:
            found.append((language[0], _quality(parameters)))
    return sorted(found, key=lambda each: -each[1])


def _quality(parameters: str) -> float:
    """Return the weight in a range's parameters: 1 where none is said, 0 to 1."""
    name, _, number = parameters.replace(" ", "").lower().partition("=")
    if name != "q":
        return 1.0
    return float(number) if _WEIGHT.fullmatch(number) else 0.0
