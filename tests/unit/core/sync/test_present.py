"""The present goes up as news: what the cloud was told and still holds is not told again."""

from hub_agent.core.sync.present import has_news, news

SYNCED = {"hue": {"sync_status": "synced"}}


def test_only_what_differs_from_what_was_told_is_news() -> None:
    told = {"devices": {"a": {"is_online": True}, "b": {"is_online": True}}}
    now = {"devices": {"a": {"is_online": True}, "b": {"is_online": False}}}
    assert news(now, told)["devices"] == {"b": {"is_online": False}}
    assert not has_news(told, told)


def test_a_scene_without_copies_any_more_is_told_once_with_nothing() -> None:
    told, now = {"copies": {"evening": SYNCED, "night": SYNCED}}, {"copies": {"night": SYNCED}}
    assert news(now, told)["copies"] == {"evening": {}}
    assert not has_news(now, {"copies": {"evening": {}, "night": SYNCED}})


def test_a_device_that_is_gone_is_no_news() -> None:
    assert not has_news({"devices": {}}, {"devices": {"a": {"is_online": True}}})
