"""How many rules of the real homes run: `python -m tests.unit.importing.shares [FOLDER]`. Blueprints are counted apart: their files are not among these."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hub_agent.importing.judging import judge_path
from hub_agent.importing.verdict import VERDICTS, Judged

FIXTURES = Path(os.environ.get("NEXA_FIXTURES", Path(__file__).resolve().parents[4] / "shared" / "fixtures"))


def is_without_its_blueprint(judged: Judged) -> bool:
    return any(reason.code == "blueprint" for reason in judged.reasons)


def shares(judged: Iterable[Judged]) -> Counter[str]:
    return Counter("blueprint" if is_without_its_blueprint(each) else each.verdict for each in judged)


def _told(name: str, count: Counter[str]) -> str:
    total = sum(count[verdict] for verdict in VERDICTS)
    parts = (f"{verdict} {count[verdict]:4} = {count[verdict] / max(total, 1):6.1%}" for verdict in VERDICTS)
    return f"{name:16} {total:5}   {'   '.join(parts)}   without their blueprint {count['blueprint']}"


def main() -> None:
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "automations"
    whole: Counter[str] = Counter()
    for folder in sorted(path for path in base.iterdir() if path.is_dir()):
        count = shares(judge_path(folder / "yaml").automations)
        whole += count
        sys.stdout.write(_told(folder.name, count) + "\n")
    sys.stdout.write(_told("all", whole) + "\n")


if __name__ == "__main__":
    main()
