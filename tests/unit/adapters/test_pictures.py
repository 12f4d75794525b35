"""A picture goes into the one folder that the settings allow, and nowhere else."""

# ruff: noqa: ASYNC240 - small files of a temporary folder

import base64
from pathlib import Path
from typing import Any

import pytest

from hub_agent.adapters.pictures import PICTURE_BYTES_MAX, PictureErrand
from hub_agent.errors import NotPossible

PNG = b"\x89PNG\r\n\x1a\n rest"


async def keep(folder: Path, filename: str, picture: bytes = PNG, *, is_base64: bool = False) -> Any:
    async def next_on(topic: str, within_s: float) -> bytes:
        assert (topic, within_s > 0) == ("cams/door", True)
        return picture

    data = {"topic": "cams/door", "is_base64": is_base64, "filename": filename}
    return (await PictureErrand(folder, next_on).run(data, wants_response=True)).response


async def test_a_picture_is_kept_by_name_or_by_its_whole_path(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    for filename in ("door.jpg", str(folder / "door.jpg"), "2026/03/door.PNG"):
        told = await keep(folder, filename)
        assert Path(told["filename"]).read_bytes() == PNG
        assert folder in Path(told["filename"]).parents
    assert sorted(file.name for file in folder.rglob("*") if file.is_file()) == ["door.PNG", "door.jpg"]


async def test_a_picture_in_base64_is_read(tmp_path: Path) -> None:
    told = await keep(tmp_path, "a.jpg", base64.b64encode(PNG), is_base64=True)
    assert Path(told["filename"]).read_bytes() == PNG

    with pytest.raises(NotPossible, match="is not base64"):
        await keep(tmp_path, "b.jpg", b"***", is_base64=True)


@pytest.mark.parametrize(
    "filename",
    ["../out.jpg", "/etc/cron.d/x.jpg", "a/../../out.jpg", "link/out.jpg", "", ".", "a\0.jpg", "x" * 5000 + ".jpg"],
)
async def test_nothing_is_written_outside_the_folder(tmp_path: Path, filename: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(NotPossible):
        await keep(folder, filename)

    assert not list(tmp_path.rglob("*.jpg"))


@pytest.mark.parametrize("filename", ["run.sh", "nexa-hub.toml", "jpg", "a.jpg.exe"])
async def test_what_is_not_called_like_a_picture_is_refused(tmp_path: Path, filename: str) -> None:
    with pytest.raises(NotPossible, match="not called like a picture"):
        await keep(tmp_path, filename)


@pytest.mark.parametrize("picture", [b"", b"x" * (PICTURE_BYTES_MAX + 1)])
async def test_a_picture_has_a_size(tmp_path: Path, picture: bytes) -> None:
    with pytest.raises(NotPossible, match="10 MB at most"):
        await keep(tmp_path, "a.jpg", picture)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotPossible, match="cannot be written"):
        await keep(tmp_path / "file", "a.jpg")
