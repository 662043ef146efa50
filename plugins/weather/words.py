"""Conditions of the sky in words, English and Chinese.

Both providers answer with numbers: Open-Meteo with WMO codes (of table 4677, the
ones that it uses), OpenWeatherMap with condition ids of its own. A number that is
new to this page is said as a number rather than guessed at.
"""

from collections.abc import Mapping

Words = Mapping[int, tuple[str, str]]
"""English and Chinese by number."""

WMO: Words = {
    0: ("Clear sky", "晴"),
    1: ("Mainly clear", "大部晴朗"),
    2: ("Partly cloudy", "多云"),
    3: ("Overcast", "阴"),
    45: ("Fog", "雾"),
    48: ("Rime fog", "雾凇"),
    51: ("Light drizzle", "轻度毛毛雨"),
    53: ("Drizzle", "毛毛雨"),
    55: ("Dense drizzle", "浓毛毛雨"),
    56: ("Light freezing drizzle", "轻度冻毛毛雨"),
    57: ("Freezing drizzle", "冻毛毛雨"),
    61: ("Light rain", "小雨"),
    63: ("Rain", "中雨"),
    65: ("Heavy rain", "大雨"),
    66: ("Light freezing rain", "轻度冻雨"),
    67: ("Freezing rain", "冻雨"),
    71: ("Light snow", "小雪"),
    73: ("Snow", "中雪"),
    75: ("Heavy snow", "大雪"),
    77: ("Snow grains", "米雪"),
    80: ("Light rain showers", "小阵雨"),
    81: ("Rain showers", "阵雨"),
    82: ("Violent rain showers", "强阵雨"),
    85: ("Light snow showers", "小阵雪"),
    86: ("Heavy snow showers", "大阵雪"),
    95: ("Thunderstorm", "雷暴"),
    96: ("Thunderstorm with light hail", "雷暴伴小冰雹"),
    99: ("Thunderstorm with heavy hail", "雷暴伴大冰雹"),
}

OPEN_WEATHER_MAP: Words = {
    200: ("Thunderstorm with light rain", "雷暴伴小雨"),
    201: ("Thunderstorm with rain", "雷暴伴雨"),
    202: ("Thunderstorm with heavy rain", "雷暴伴大雨"),
    210: ("Light thunderstorm", "弱雷暴"),
    211: ("Thunderstorm", "雷暴"),
    212: ("Heavy thunderstorm", "强雷暴"),
    221: ("Ragged thunderstorm", "零散雷暴"),
    230: ("Thunderstorm with light drizzle", "雷暴伴轻度毛毛雨"),
    231: ("Thunderstorm with drizzle", "雷暴伴毛毛雨"),
    232: ("Thunderstorm with heavy drizzle", "雷暴伴浓毛毛雨"),
    300: ("Light drizzle", "轻度毛毛雨"),
    301: ("Drizzle", "毛毛雨"),
    302: ("Heavy drizzle", "浓毛毛雨"),
    310: ("Light drizzle and rain", "轻度毛毛雨转雨"),
    311: ("Drizzle and rain", "毛毛雨夹雨"),
    312: ("Heavy drizzle and rain", "浓毛毛雨夹雨"),
    313: ("Showers and drizzle", "阵雨夹毛毛雨"),
    314: ("Heavy showers and drizzle", "强阵雨夹毛毛雨"),
    321: ("Drizzle showers", "阵性毛毛雨"),
    500: ("Light rain", "小雨"),
    501: ("Rain", "中雨"),
    502: ("Heavy rain", "大雨"),
    503: ("Very heavy rain", "暴雨"),
    504: ("Extreme rain", "特大暴雨"),
    511: ("Freezing rain", "冻雨"),
    520: ("Light rain showers", "小阵雨"),
    521: ("Rain showers", "阵雨"),
    522: ("Heavy rain showers", "强阵雨"),
    531: ("Scattered rain showers", "零散阵雨"),
    600: ("Light snow", "小雪"),
    601: ("Snow", "中雪"),
    602: ("Heavy snow", "大雪"),
    611: ("Sleet", "雨夹雪"),
    612: ("Light sleet showers", "小阵性雨夹雪"),
    613: ("Sleet showers", "阵性雨夹雪"),
    615: ("Light rain and snow", "小雨夹雪"),
    616: ("Rain and snow", "雨夹雪"),
    620: ("Light snow showers", "小阵雪"),
    621: ("Snow showers", "阵雪"),
    622: ("Heavy snow showers", "大阵雪"),
    701: ("Mist", "薄雾"),
    711: ("Smoke", "烟"),
    721: ("Haze", "霾"),
    731: ("Dust whirls", "尘卷风"),
    741: ("Fog", "雾"),
    751: ("Sand", "沙"),
    761: ("Dust", "浮尘"),
    762: ("Volcanic ash", "火山灰"),
    771: ("Squalls", "飑"),
    781: ("Tornado", "龙卷风"),
    800: ("Clear sky", "晴"),
    801: ("Few clouds", "少云"),
    802: ("Scattered clouds", "多云"),
    803: ("Broken clouds", "多云间阴"),
    804: ("Overcast", "阴"),
}


def condition(words: Words, code: int, locale: str) -> str:
    """Say a provider's number in words.

    Args:
        words: `WMO` or `OPEN_WEATHER_MAP`.
        code: What the provider answered.
        locale: "zh-CN", or anything else for English.
    """
    english, chinese = words.get(code, (f"Condition {code}", f"天气代码 {code}"))
    return chinese if locale == "zh-CN" else english
