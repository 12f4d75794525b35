"""How much of what the models expose becomes capabilities: `python -m tests.recorded.zigbee2mqtt.shares [FILE.jsonl.gz]`.

Without a file: the definitions among the fixtures. With `--installed`: those of the zigbee-herdsman-converters that the real peer brings
(`tests/peers/zigbee2mqtt`). Counted is every property of every model; the parts of a composite count as one, as they are set as one.
"""

import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hub_agent.drivers.zigbee2mqtt import fields
from hub_agent.drivers.zigbee2mqtt.exposes import entities_of
from hub_agent.drivers.zigbee2mqtt.features import read_features
from hub_agent.model.device import AdvertisedEntity
from tests.recorded.zigbee2mqtt import wire

PEER = Path(__file__).parents[2] / "peers" / "zigbee2mqtt"
# With features of their own: each of them is a property.
_WITH_FEATURES = {"light", "switch", "lock", "cover", "climate", "fan"}


def properties_of(exposes: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(property, its kind)."""
    for expose in exposes:
        if expose["type"] in _WITH_FEATURES:
            yield from properties_of(expose.get("features", ()))
        else:
            yield str(expose.get("property") or expose.get("name")), str(expose["type"])


def properties_served(entities: Iterable[AdvertisedEntity]) -> set[str]:
    """Those that an entity with a capability reads or writes."""
    served: set[str] = set()
    for entity in entities:
        if entity.capabilities:
            native = entity.native
            served |= {str(name) for name in fields.mapping(native, "properties").values()}
            served |= {name for name in (fields.text(native, "property"),) if name is not None}
    return served


def shares(models: Iterable[dict[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    """How many properties there are, and which were left, by `kind name`."""
    counts: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for model in models:
        entities = entities_of(read_features(model["exposes"]), supports_ota=bool(model.get("supports_ota")))
        served = properties_served(entities)
        counts["models"] += 1
        for name, kind in properties_of(model["exposes"]):
            counts["properties"] += 1
            if name in served:
                counts["served"] += 1
                counts["as_json"] += kind in {"composite", "list"}
            else:
                left[f"{kind} {name}"] += 1
    return counts, left


def installed() -> Iterator[dict[str, Any]]:
    from tests.peers.npm import NODE, npm_ci

    npm_ci(PEER)
    done = subprocess.run([NODE, PEER / "definitions.cjs"], capture_output=True, check=True, timeout=300)
    yield from map(json.loads, done.stdout.splitlines())


def models_in(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    argument = sys.argv[1] if len(sys.argv) > 1 else None
    models = installed() if argument == "--installed" else models_in(Path(argument)) if argument else wire.definitions()
    counts, left = shares(models)
    share = counts["served"] / max(counts["properties"], 1)
    sys.stdout.write(
        f"{counts['models']} models, {counts['properties']} properties, {counts['served']} served = {share:.2%} "
        f"({counts['as_json']} of them composites and lists, as one text of JSON or a siren)\n"
    )
    for name, count in left.most_common(25):
        sys.stdout.write(f"{count:6}  {name}\n")


if __name__ == "__main__":
    main()
