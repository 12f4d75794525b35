"""What the page is made of: small on the way, kept for good under its version, never stale after an upgrade."""

import gzip
import json
import re
import struct
from pathlib import Path

import pytest

from hub_agent.web.page_files import STATIC, PageFiles


@pytest.fixture
def copied(tmp_path) -> Path:
    for name in ("page.html", "page.js", "page.css", "worker.js"):
        (tmp_path / name).write_bytes((STATIC / name).read_bytes())
    return tmp_path


async def test_the_page_names_files_that_may_be_kept_for_good(page) -> None:
    html = await page.get("/")
    assert html.headers["cache-control"] == "no-cache"
    [script] = re.findall(r'src="(/static/[0-9a-f]{12}/page\.js)"', html.text)
    answered = await page.get(script)
    assert answered.status_code == 200
    assert "immutable" in answered.headers["cache-control"]
    assert "private" in answered.headers["cache-control"]
    assert (await page.get("/static/page.js")).headers["cache-control"] == "no-cache"


async def test_what_is_needed_first_is_asked_for_at_once(page) -> None:
    html = await page.get("/")
    asked = re.findall(r'<link rel="modulepreload" href="(/static/[0-9a-f]{12}/[\w.]+)">', html.text)
    assert {Path(each).name for each in asked} >= {"page.js", "views.js", "home_view.js", "devices.js", "words.js"}
    assert "scene_editor.js" not in html.text
    assert [(await page.get(each)).status_code for each in asked] == [200] * len(asked)


async def test_a_version_of_before_is_not_answered_with_the_files_of_now(page) -> None:
    assert (await page.get("/static/0123456789ab/page.js")).status_code == 404


async def test_files_travel_compressed_and_only_when_they_have_changed(page) -> None:
    first = await page.get("/static/page.js")
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["vary"] == "accept-encoding"
    assert int(first.headers["content-length"]) < (STATIC / "page.js").stat().st_size / 2
    again = await page.get("/static/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = await page.get("/static/page.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == first.text


async def test_large_answers_travel_compressed_and_small_ones_as_they_are(page) -> None:
    devices = await page.get("/api/v1/devices")
    assert devices.headers["content-encoding"] == "gzip"
    assert int(devices.headers["content-length"]) < len(devices.content) / 3
    plain = await page.get("/api/v1/devices", headers={"accept-encoding": "identity"})
    assert plain.json() == devices.json()
    assert "content-encoding" not in (await page.get("/live")).headers


async def test_answers_of_the_api_are_never_kept(page) -> None:
    assert (await page.get("/api/v1/devices")).headers["cache-control"] == "no-store"


def test_a_changed_file_is_a_new_version_of_all(copied) -> None:
    files = PageFiles(copied)
    before, page = files.version, files.find("page.html")
    assert PageFiles(copied).version == before
    (copied / "page.css").write_text("body { color: red }")
    assert files.version != before
    assert files.find("page.html").tag != page.tag
    assert files.find("page.css").body == b"body { color: red }"
    assert gzip.decompress(files.find("page.css").compressed or b"") == b"body { color: red }"


def test_the_worker_knows_its_version_and_what_the_page_is_made_of(copied) -> None:
    files = PageFiles(copied)
    worker = files.find("worker.js").body.decode()
    assert f"/static/{files.version}/" in worker
    [listed] = re.findall(r"const FILES = (\[.*\]);", worker)
    assert json.loads(listed) == ["page.css", "page.js"]


async def test_a_phone_can_install_the_page_before_it_is_paired(browser) -> None:
    manifest = await browser.get("/static/page.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    for icon in manifest.json()["icons"]:
        answered = await browser.get(icon["src"])
        assert answered.status_code == 200
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", answered.content[16:24])
            assert f"{width}x{height}" == icon["sizes"]
