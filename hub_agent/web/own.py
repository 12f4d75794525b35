"""The home and the hub itself in the API: name and place, backups, settings in force, diagnostics, restart."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from hub_agent.ports import Door
from hub_agent.web.answers import OrjsonResponse, by_whom
from hub_agent.web.routes import api_router
from hub_agent.web.shapes import Asked, Shape


class HomeAnswer(Shape):
    id: str
    name: str
    timezone: str
    latitude: float
    longitude: float
    elevation: float


class HomeChange(Asked):
    """What is left out stays. A place has both, latitude and longitude."""

    name: str | None = Field(None, max_length=100)
    timezone: str | None = Field(None, max_length=60)
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    elevation: float | None = Field(None, ge=-500, le=9000)


class BackupAnswer(Shape):
    name: str
    bytes: int
    made_at: datetime


class BackupsAnswer(Shape):
    is_nightly: bool
    folder: str
    kept: int
    is_encrypted: bool
    files: list[BackupAnswer] = Field(description="The newest first.")


class TakeRequest(Asked):
    passphrase: Annotated[str, StringConstraints(max_length=1000)] = Field(
        description="With which it is encrypted (format age)."
    )


class SettingsAnswer(Shape):
    file: str | None = Field(description="Where they are changed; the agent reads it when it starts.")
    sections: dict[str, dict[str, Any]] = Field(description="Of secrets only whether they are set.")


class RestartAnswer(Shape):
    restarting: bool


def own(door: Door) -> APIRouter:
    router = api_router("hub")

    @router.get("/home", response_model=HomeAnswer)
    async def home() -> Response:
        """What the home is called, where it lies, which time holds in it."""
        return OrjsonResponse(door.household.told())

    @router.patch("/home", response_model=HomeAnswer)
    async def edit_home(body: HomeChange, request: Request) -> Response:
        """Rules by the sun and by the time follow at once."""
        changes = {name: each for name, each in body.model_dump(exclude_unset=True).items() if each is not None}
        return OrjsonResponse(await door.household.edit(changes, by_whom(request)))

    @router.get("/backups", response_model=BackupsAnswer)
    async def backups() -> Response:
        """Those that the hub keeps by itself."""
        return OrjsonResponse(door.keeping.backups())

    @router.post("/backups", response_model=BackupAnswer)
    async def make_backup(request: Request) -> Response:
        """Makes one now, where the nightly ones are kept."""
        made = await door.keeping.make_backup()
        door.activity.note("setting", by_whom(request), "{who} made a backup")
        return OrjsonResponse(made)

    @router.post("/backups/download", response_class=FileResponse)
    async def take_backup(body: TakeRequest, request: Request) -> Response:
        """A new one to take away, encrypted. `nexa-hub restore FILE` puts it onto another machine."""
        taking = door.keeping.backup_to_take(body.passphrase)
        path = await taking.__aenter__()
        door.activity.note("setting", by_whom(request), "{who} made a backup")

        async def done() -> None:
            await taking.__aexit__(None, None, None)

        return FileResponse(
            path, media_type="application/octet-stream", filename=path.name, background=BackgroundTask(done)
        )

    @router.get("/settings", response_model=SettingsAnswer)
    async def settings() -> Response:
        """The settings in force, after the file and the environment."""
        return OrjsonResponse(door.keeping.settings())

    @router.get("/diagnostics", response_class=Response)
    async def diagnostics() -> Response:
        """All that helps somebody else to see what is wrong, in one file, without secrets."""
        told = {
            "status": door.status(),
            "settings": door.keeping.settings(),
            "issues": door.issues(),
            "automations": [each for each in door.automations() if each.get("problem")],
            "devices": door.devices(),
            "rejected": door.rejected(),
            "discovered": door.discovered(),
            "sync": door.sync_status(),
            "alerts": door.alerts.channels(),
        }
        headers = {"content-disposition": 'attachment; filename="nexa-hub-diagnostics.json"'}
        return Response(
            orjson.dumps(told, option=orjson.OPT_INDENT_2, default=str), media_type="application/json", headers=headers
        )

    @router.post("/restart", response_model=RestartAnswer)
    async def restart(request: Request) -> Response:
        """The agent ends and is started again; automations stand still for some seconds."""
        door.keeping.restart()
        door.activity.note("setting", by_whom(request), "{who} had the agent restarted")
        return OrjsonResponse({"restarting": True})

    return router
