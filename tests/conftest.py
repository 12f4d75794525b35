"""What all tests share: where the fixtures of real homes lie, and virtual time."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_fixtures() -> Callable[[str], Path]:
    """Payloads of real homes that may not be copied here. A test that needs them says by name what it did not run."""
    folder = Path(os.environ.get("NEXA_FIXTURES", ROOT.parent / "shared" / "fixtures"))

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"not run: {name} is missing in {folder} (set NEXA_FIXTURES)")
        return path

    return find
