"""nexa-hub pair and nexa-hub access: who may come in, at the command line."""

import httpx

from tests.unit.cli.conftest import ME


def test_without_anybody_it_says_how_to_begin(nexa, door) -> None:
    assert nexa("access").out == "No browser is paired, and there is no token. To pair one: nexa-hub pair\n"


def test_a_token_is_made_listed_and_revoked(nexa, door) -> None:
    made = nexa("access", "token", "Wall clock", "--scope", "view", "--days", "30")
    assert made.out.startswith("nexa_")
    assert "not shown again" in made.err
    listed = nexa("access").out
    assert "Wall clock" in listed
    assert made.out.strip() not in listed
    (token,) = nexa("access", "--json").json()["tokens"]
    assert (token["scope"], token["made_by"], token["last_seen_at"]) == ("view", ME, None)
    assert nexa("access", "revoke", "wall clock").out == "“Wall clock” may not come in any more.\n"
    gone = nexa("access", "revoke", "wall clock")
    assert (gone.code, "no session or token 'wall clock'" in gone.err) == (1, True)


def test_a_button_is_told_the_one_thing_it_may_do(nexa, door) -> None:
    made = nexa("access", "token", "Hall", "--scene", "movie night")
    assert "It may do one thing: POST /api/v1/scenes/" in made.err
    assert "one scene" in nexa("access").out
    assert "There is no scene 'x'" in nexa("access", "token", "Hall", "--scene", "x").err


def test_a_code_for_less_is_another_than_the_one_for_all(nexa, door) -> None:
    less = nexa("pair", "--scope", "control", "--name", "Tablet", "--json").json()
    assert (less["scope"], less["name"]) == ("control", "Tablet")
    assert nexa("pair").out.strip() != less["code"]


def test_whoever_uses_the_socket_is_known_by_their_name(door, home) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(home / "hub.sock")), base_url="http://localhost") as client:
        assert client.get("/api/v1/access/me").json() == {"name": ME, "scope": "configure", "id": None}
