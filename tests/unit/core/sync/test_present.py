"""The present goes up as news: what the cloud was told and still holds is not told again."""

from hub_agent.core.sync.present import WHOLE_S, Told, has_news, news

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


def test_what_was_told_as_news_is_not_taken_for_all_of_it_though_the_answer_came_when_all_of_it_was_due() -> None:
    told = Told()
    both = {"devices": {"a": {"is_online": True}, "b": {"is_online": True}}, "copies": {"evening": SYNCED}}
    assert told.next_word(both, 0.0, 60.0) == both
    told.took(both, 0.0)
    one_off = {**both, "devices": {**both["devices"], "b": {"is_online": False}}}
    word = told.next_word(one_off, WHOLE_S - 1, 60.0)
    assert word is not None
    told.took(word, WHOLE_S + 1)
    # All of it is as due as before.
    assert told.next_word(one_off, WHOLE_S + 2, 60.0) == one_off


def test_between_two_tellings_of_all_of_it_only_news_and_signs_of_life_go() -> None:
    told, present = Told(), {"devices": {"a": {"is_online": True}}}
    told.took(told.next_word(present, 0.0, 60.0) or {}, 0.0)
    assert told.next_word(present, 59.0, 60.0) is None
    assert (told.next_word(present, 60.0, 60.0) or {})["devices"] == {}
    told.ask()
    assert told.is_due(60.0, 10.0)
