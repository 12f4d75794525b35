"""Colours in the three notations that Home Assistant knows."""

import colorsys
from typing import Final

Triple = tuple[int, int, int]
Pair = tuple[float, float]


def rgb_of_hs(hue: float, saturation: float) -> Triple:
    red, green, blue = colorsys.hsv_to_rgb((hue % 360) / 360, min(max(saturation, 0), 100) / 100, 1)
    return round(red * 255), round(green * 255), round(blue * 255)


def hs_of_rgb(red: float, green: float, blue: float) -> Pair:
    hue, saturation, _ = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    return round(hue * 360, 3), round(saturation * 100, 3)


# CIE 1931 xy to linear sRGB with a D65 white, and back (IEC 61966-2-1).
_TO_RGB: Final = ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.2040, 1.0570))
_TO_XYZ: Final = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_KNEE: Final = 0.0031308


def rgb_of_xy(x: float, y: float) -> Triple:
    if not (0 <= x <= 1 and 0 < y <= 1):
        return 255, 255, 255
    xyz = (x / y, 1.0, (1 - x - y) / y)
    linear = [max(0.0, sum(a * b for a, b in zip(row, xyz, strict=True))) for row in _TO_RGB]
    brightest = max(linear)
    if brightest <= 0:
        return 255, 255, 255
    red, green, blue = (round(_gamma(value / brightest) * 255) for value in linear)
    return red, green, blue


def xy_of_rgb(red: float, green: float, blue: float) -> Pair:
    linear = [_linear(value / 255) for value in (red, green, blue)]
    x, y, z = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in _TO_XYZ)
    total = x + y + z
    return (round(x / total, 4), round(y / total, 4)) if total > 0 else (0.3127, 0.3290)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= _KNEE else float(1.055 * value ** (1 / 2.4) - 0.055)


def _linear(value: float) -> float:
    return value / 12.92 if value <= _KNEE * 12.92 else float(((value + 0.055) / 1.055) ** 2.4)


def xy_of_kelvin(kelvin: float) -> Pair:
    """On the Planckian locus, by the cubic approximation of Kim et al. (1667 K to 25000 K)."""
    t = 1000 / min(max(kelvin, 1667), 25000)
    if kelvin <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return round(x, 4), round(y, 4)


def every_notation(
    *, rgb: Triple | None = None, hs: Pair | None = None, xy: Pair | None = None
) -> dict[str, list[float]]:
    """A light's attributes for one colour, from the notation that is known."""
    if rgb is None:
        rgb = rgb_of_hs(*hs) if hs is not None else rgb_of_xy(*xy) if xy is not None else (255, 255, 255)
    hs, xy = hs or hs_of_rgb(*rgb), xy or xy_of_rgb(*rgb)
    return {"hs_color": list(hs), "rgb_color": list(rgb), "xy_color": list(xy)}
