"""What PostgREST's documentation asks of functions that it shall serve (https://docs.postgrest.org). PostgREST itself is not run."""

from cloud_schema.gateway.database import STATEMENTS
from cloud_schema.gateway.refusal import STATUS_BY_SQLSTATE

FUNCTIONS = """
    SELECT p.proname, pg_get_function_arguments(p.oid), p.prorettype::regtype::text, p.provolatile::text, p.proretset,
           array(SELECT r.rolname FROM pg_roles r WHERE r.rolname IN ('anon', 'authenticated', 'service_role', 'hub')
                 AND has_function_privilege(r.oid, p.oid, 'EXECUTE') ORDER BY 1)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'public' AND p.proname = ANY (%s)"""


def test_each_function_takes_one_named_document_and_may_write(db):
    """`{"request": {...}}` names the argument; a second function of the name would be ambiguous (PGRST203); POST to a function
    that is not VOLATILE runs read-only.
    """
    found = db.execute(FUNCTIONS, (list(STATEMENTS),)).fetchall()
    assert sorted(name for name, *_ in found) == sorted(STATEMENTS)
    for name, arguments, answers, volatility, is_set, roles in found:
        assert (arguments, answers, volatility, is_set) == ("request jsonb", "jsonb", "v", False), name
        assert roles, name


def test_whoever_has_no_token_reaches_only_what_begins_with_a_secret(db):
    found = db.execute(FUNCTIONS, (list(STATEMENTS),)).fetchall()
    assert sorted(name for name, *_, roles in found if "anon" in roles) == ["hub_claim_v1", "hub_token_v1"]


def test_the_roles_that_tokens_name_can_reach_the_exposed_schema(db):
    for role in ("anon", "authenticated", "service_role", "hub"):
        (may,) = db.execute("SELECT has_schema_privilege(%s, 'public', 'USAGE')", (role,)).fetchone()
        assert may, role
        (logs_in,) = db.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        assert not logs_in, role


def test_the_gateway_gives_the_documented_statuses_and_says_503_where_postgrest_says_500():
    """https://docs.postgrest.org/en/latest/references/errors.html; a hub takes every 5xx for "later"."""
    documented = {
        "42501": 403,
        "42883": 404,
        "42P01": 404,
        "23503": 409,
        "23505": 409,
        "25006": 405,
        "08": 503,
        "53": 503,
    }
    assert documented.items() <= STATUS_BY_SQLSTATE.items()
    ours = {state: status for state, status in STATUS_BY_SQLSTATE.items() if state not in documented}
    assert {state for state, status in ours.items() if status == 503} == {"40001", "40P01", "55P03", "57014", "57"}
