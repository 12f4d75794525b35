"""How much of HomeKit's specification is served: `python -m tests.recorded.homekit.shares`.

Of each service, with all characteristics that it may have, those that an entity reads or writes. Names, labels and what only tells how
other characteristics are to be read are no properties of a device.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from aiohomekit.model.characteristics import data as characteristics
from aiohomekit.model.services import data as services

from hub_agent.drivers.homekit import HomeKit
from hub_agent.model.device import Advertisement
from hub_agent.model.link import Frame

ABOUT_OTHERS = frozenset(
    {"NAME", "VERSION", "CONFIGURED_NAME", "IDENTIFIER", "SERVICE_LABEL_INDEX", "SERVICE_LABEL_NAMESPACE"}
)
WITHOUT_FUNCTION = frozenset({"ACCESSORY_INFORMATION", "PAIRING"})


def main() -> None:
    total = 0
    lost: Counter[str] = Counter()
    for uuid, about in services.services.items():
        if about["name"] in WITHOUT_FUNCTION:
            continue
        said = [*_characteristics([*about["required"], *about["optional"]])]
        served = _served(
            [{"aid": 1, "services": [{"iid": 10, "type": uuid, "primary": True, "characteristics": said}]}]
        )
        for each in said:
            name = characteristics.characteristics[each["type"]]["name"]
            if name not in ABOUT_OTHERS and each["format"] not in {"tlv8", "data"}:
                total += 1
                if each["iid"] not in served:
                    lost[f"{about['name'].lower()}: {name.lower()}"] += 1
    share = 100 * (total - lost.total()) / total
    print(f"{total} characteristics, {share:.1f} % served; not served: {', '.join(sorted(lost))}")


def _characteristics(uuids: list[str]) -> Iterator[dict[str, Any]]:
    for place, uuid in enumerate(uuids):
        about: Any = characteristics.characteristics.get(uuid)
        if about is not None:
            low = about.get("min_value", 0)
            value = {"bool": False, "string": "x", "tlv8": "", "data": ""}.get(about["format"], low)
            limits = {
                name: about[key] for name, key in (("minValue", "min_value"), ("maxValue", "max_value")) if key in about
            }
            yield {
                "type": uuid,
                "iid": 11 + place,
                "perms": about["perms"],
                "format": about["format"],
                "value": value,
                **limits,
            }


def _served(body: list[dict[str, Any]]) -> set[int]:
    decoded = HomeKit().hear(Frame("homekit", "measured", "accessories", {"accessories": body}))
    natives = [entity.native for each in decoded if isinstance(each, Advertisement) for entity in each.entities]
    return {number for native in natives for number in _numbers(native)}


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        if isinstance(value.get("iid"), int):
            yield value["iid"]
        for each in value.values():
            yield from _numbers(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)


if __name__ == "__main__":
    main()
