"""Tokens are sealed before they are stored; what is stored elsewhere opens nowhere else; keys change without a pause."""

import json
import stat
import uuid

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

from cloud_schema.__main__ import cli
from cloud_schema.apply import ApplyError, apply, seed
from cloud_schema.resealing import SEALED_COLUMNS, keys_in_use, reseal
from cloud_schema.vault import Vault, VaultError, add_key, key_id, load_vault

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLACE = ("user_integrations", "access_token", "8d0a0e6c-4a37-4c61-8d6f-7f0a4d4a1a11")


@given(st.text(max_size=300))
def test_what_is_sealed_opens_at_its_place_and_tells_nothing(token):
    vault = Vault([OLD])
    sealed = vault.seal(token, *PLACE)
    assert vault.open(sealed, *PLACE) == token
    assert len(token) < 4 or token not in sealed
    assert sealed != vault.seal(token, *PLACE)


@pytest.mark.parametrize(
    "place",
    [
        ("user_integrations", "refresh_token", PLACE[2]),
        ("user_ecosystem_connections", "access_token", PLACE[2]),
        ("user_integrations", "access_token", "8d0a0e6c-4a37-4c61-8d6f-7f0a4d4a1a12"),
    ],
)
def test_a_sealed_value_does_not_open_at_another_place(place):
    vault = Vault([OLD])
    with pytest.raises(VaultError, match="moved here from another place"):
        vault.open(vault.seal("token", *PLACE), *place)


@given(st.integers(0, 10_000), st.integers(1, 127))
def test_a_changed_value_does_not_open(at, by):
    vault = Vault([OLD])
    sealed = vault.seal("token", *PLACE)
    body = sealed.index(":", len("sealed:v1:")) + 1
    at = body + at % (len(sealed) - body)
    with pytest.raises(VaultError):
        vault.open(sealed[:at] + chr((ord(sealed[at]) + by) % 128) + sealed[at + 1 :], *PLACE)


def test_a_value_that_is_written_another_way_does_not_open():
    vault = Vault([OLD])
    # Random octets: some of fifty have a letter that has a second spelling.
    spelled = [sealed for sealed in (vault.seal("token", *PLACE) for _ in range(50)) if "-" in sealed]
    assert spelled
    for sealed in spelled:
        with pytest.raises(VaultError):
            vault.open(sealed.replace("-", "+"), *PLACE)


@pytest.mark.parametrize("value", ["", "token", "sealed:v1", "sealed:v1:00000000:", "sealed:v2:00000000:AAAA"])
def test_what_was_never_sealed_does_not_open(value):
    with pytest.raises(VaultError) as error:
        Vault([OLD]).open(value, *PLACE)
    assert value == "" or "sealed" in str(error.value)


def test_the_first_key_seals_and_all_open():
    old, both = Vault([OLD]), Vault([NEW, OLD])
    assert both.open(old.seal("token", *PLACE), *PLACE) == "token"
    with pytest.raises(VaultError, match=f"key {key_id(NEW)}, which is not in the file"):
        old.open(both.seal("token", *PLACE), *PLACE)


@pytest.mark.parametrize("keys", [[], [b"short"], [OLD, OLD], [bytes([n] * 32) for n in range(17)]])
def test_keys_that_are_none_are_refused(keys):
    with pytest.raises(VaultError):
        Vault(keys)


# The file.


def test_a_new_key_goes_on_top_of_a_file_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "keys"
    first = add_key(path)
    path.write_text("# kept apart from backups\n\n" + path.read_text())
    second = add_key(path)

    assert load_vault(path).key_ids == [second, first]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "# kept apart" in path.read_text()
    assert [left.name for left in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o777])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "keys"
    add_key(path)
    path.chmod(mode)
    with pytest.raises(VaultError, match="chmod 600"):
        load_vault(path)


@pytest.mark.parametrize("text", ["", "# nothing\n", "c2hvcnQ\n", "not base64!\n", "ключ\n"])
def test_a_file_without_keys_is_refused_and_its_content_not_repeated(tmp_path, text):
    path = tmp_path / "keys"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(VaultError) as error:
        load_vault(path)
    assert not text.strip() or text.strip() not in str(error.value)


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(VaultError, match="vault new-key"):
        load_vault(tmp_path / "keys")


# The database.


@pytest.fixture(scope="module")
def dsn(new_database):
    """One of our own: keys are looked for in all rows there are."""
    made = new_database()
    apply(made, lambda _line: None)
    seed(made, lambda _line: None)
    return made


@pytest.fixture
def new_token(db, new_home):
    """A person with sealed tokens in both tables; answers (connection's id, integration's id)."""

    def make(vault, token="secret"):
        home, owner = new_home()
        connection, integration = str(uuid.uuid4()), str(uuid.uuid4())
        db.execute(
            "INSERT INTO user_ecosystem_connections (id, user_id, home_id, ecosystem_id, access_token)"
            " SELECT %s, %s, %s, id, %s FROM ecosystems ORDER BY id LIMIT 1",
            (connection, owner, home, vault.seal(token, "user_ecosystem_connections", "access_token", connection)),
        )
        db.execute(
            "INSERT INTO user_integrations (id, user_id, platform, access_token, refresh_token) VALUES (%s, %s, 'google', %s, %s)",
            (
                integration,
                owner,
                vault.seal(token, "user_integrations", "access_token", integration),
                vault.seal(token + "-r", "user_integrations", "refresh_token", integration),
            ),
        )
        return connection, integration

    yield make
    db.execute("DELETE FROM user_ecosystem_connections")
    db.execute("DELETE FROM user_integrations")


def tokens(db, vault, integration):
    row = db.execute(
        "SELECT access_token, refresh_token FROM user_integrations WHERE id = %s", (integration,)
    ).fetchone()
    return [
        vault.open(sealed, "user_integrations", column, integration)
        for column, sealed in zip(("access_token", "refresh_token"), row, strict=True)
    ]


@pytest.mark.parametrize("table", SEALED_COLUMNS)
@pytest.mark.parametrize("column", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "plain", ["ya29.a0AfH6SM", "", "sealed:v1:0badcafe:short", "sealed:v1:0badcafe:" + "A" * 40 + "\nplain"]
)
def test_a_plain_token_is_refused_without_being_repeated(db, new_token, table, column, plain):
    new_token(Vault([OLD]))
    update = psycopg.sql.SQL("UPDATE {} SET {} = %s").format(
        psycopg.sql.Identifier(table), psycopg.sql.Identifier(column)
    )
    with pytest.raises(psycopg.errors.CheckViolation, match=f"{column} of {table} must be sealed") as error:
        db.execute(update, (plain,))
    assert not plain or plain not in str(error.value)
    # Where the trigger were missing, the table itself refuses.
    with db.transaction(force_rollback=True):
        db.execute(psycopg.sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(psycopg.sql.Identifier(table)))
        with pytest.raises(psycopg.errors.CheckViolation):
            db.execute(update, (plain,))


def test_every_column_that_is_called_a_token_is_sealed(db):
    found = db.execute(
        "SELECT table_name, array_agg(column_name::text ORDER BY column_name) FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name IN ('access_token', 'refresh_token')"
        " AND table_name NOT IN (SELECT table_name FROM information_schema.views WHERE table_schema = 'public') GROUP BY 1"
    ).fetchall()
    assert {table: tuple(columns) for table, columns in found} == SEALED_COLUMNS


def test_rotating_seals_all_with_the_newest_key_in_batches_and_again_does_nothing(db, new_token):
    old, both = Vault([OLD]), Vault([NEW, OLD])
    ids = [new_token(old, f"token {number}") for number in range(5)]
    lines = []

    done = reseal(db, both, lines.append, batch_rows=2)

    assert (done.rows, done.unreadable) == (10, 0)
    assert len(lines) == 6  # three batches a table
    assert keys_in_use(db) == {key_id(NEW): 15}
    for number, (_connection, integration) in enumerate(ids):
        assert tokens(db, Vault([NEW]), integration) == [f"token {number}", f"token {number}-r"]
    assert reseal(db, both, lines.append).rows == 0


def test_a_rotation_that_was_stopped_goes_on_where_it_was(db, new_token):
    old, both = Vault([OLD]), Vault([NEW, OLD])
    for _person in range(4):
        new_token(old)

    class Stopped(Exception):
        pass

    def stop(_line):
        raise Stopped

    with pytest.raises(Stopped):
        reseal(db, both, stop, batch_rows=3)
    assert keys_in_use(db) == {key_id(NEW): 3, key_id(OLD): 9}
    assert reseal(db, both, lambda _line: None).rows == 5


def test_what_cannot_be_opened_is_named_left_alone_and_does_not_stop_the_rest(db, new_token):
    lost = bytes(range(64, 96))
    _connection, integration = new_token(Vault([lost]))
    _, good = new_token(Vault([OLD]))
    before = db.execute("SELECT access_token FROM user_integrations WHERE id = %s", (integration,)).fetchone()

    done = reseal(db, Vault([NEW, OLD]), lambda _line: None, batch_rows=1)

    assert (done.rows, done.unreadable) == (2, 2)
    assert any(integration in problem and key_id(lost) in problem for problem in done.problems)
    assert db.execute("SELECT access_token FROM user_integrations WHERE id = %s", (integration,)).fetchone() == before
    assert tokens(db, Vault([NEW]), good) == ["secret", "secret-r"]


def test_a_token_that_is_renewed_while_it_is_resealed_is_not_lost(db, dsn, new_token, several_backends):
    old, both = Vault([OLD]), Vault([NEW, OLD])
    _connection, integration = new_token(old)
    update = "UPDATE user_integrations SET access_token = %s WHERE id = %s"
    with psycopg.connect(dsn) as renewing, psycopg.connect(dsn, autocommit=True) as rotating:
        renewing.execute(update, (old.seal("renewed", "user_integrations", "access_token", integration), integration))
        rotating.execute("SET lock_timeout = '200ms'")
        # It waits for the writer instead of reading past it.
        with pytest.raises(psycopg.errors.LockNotAvailable):
            reseal(rotating, both, lambda _line: None)
        renewing.commit()
        reseal(rotating, both, lambda _line: None)
    assert tokens(db, Vault([NEW]), integration)[0] == "renewed"


# The commands.


def run(*words, code=0):
    result = CliRunner().invoke(cli, ["vault", *map(str, words)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_an_operator_makes_a_key_rotates_and_sees_which_keys_are_idle(dsn, db, new_token, tmp_path):
    path = tmp_path / "keys"
    run("new-key", "--keys-file", path)
    new_token(load_vault(path))
    old = load_vault(path).newest
    new = json.loads(run("new-key", "--keys-file", path, "--json").stdout)["key"]

    assert run("status", dsn, "--keys-file", path).output == f"{new}  0 (newest)\n{old}  3\n"
    rotated = json.loads(run("rotate", dsn, "--keys-file", path, "--json").stdout)
    assert rotated == {"resealed": 2, "unreadable": 0, "keys_in_use": {new: 3}, "keys_idle": [old]}
    assert path.read_text().split()[0] not in run("rotate", dsn, "--keys-file", path).output


def test_a_key_that_is_missing_makes_rotate_and_status_fail(dsn, db, new_token, tmp_path):
    path = tmp_path / "keys"
    new_token(Vault([OLD]))
    add_key(path)
    assert f"{key_id(OLD)}  3 (missing in the file)" in run("status", dsn, "--keys-file", path, code=1).output
    assert key_id(OLD) in run("rotate", dsn, "--keys-file", path, code=1).output


def test_the_keys_file_may_be_named_by_the_environment(dsn, tmp_path, monkeypatch):
    monkeypatch.setenv("NEXA_CLOUD_VAULT_KEYS_FILE", str(tmp_path / "keys"))
    run("new-key")
    run("status", dsn)


def test_a_vault_error_is_said_as_the_commands_say_theirs(dsn, tmp_path):
    result = CliRunner().invoke(cli, ["vault", "rotate", dsn, "--keys-file", str(tmp_path / "none")])
    assert isinstance(result.exception, ApplyError)
    assert "vault new-key" in str(result.exception)


def test_no_secret_of_hubs_or_partners_is_stored_as_it_is(db, hub):
    assert db.execute("SELECT count(*) FROM hub_hubs h WHERE h::text LIKE %s", (f"%{hub.secret}%",)).fetchone() == (0,)
    passwords = db.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema IN ('public', 'ts') AND column_name ~ 'passw' AND data_type <> 'boolean'"
    ).fetchall()
    assert passwords == []  # logging in is the platform's
