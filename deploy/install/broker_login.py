"""Gives one login to a broker: its password (from the input) into mosquitto's password file, its rights into the ACL.

usage: broker_login.py PASSWORD_FILE ACL_FILE NAME. Says "made" where anything changed. What stands in the ACL of a login stays: it may
be the owner's. mosquitto_passwd is not used: it wants the password as an argument, and is not there when an image of a card is made.
"""

import base64
import hashlib
import hmac
import os
import sys
from pathlib import Path

# As mosquitto_passwd does it; the passwords are random, so more rounds would only cost a Pi time at each connection.
ITERATIONS = 101
HUB = "nexa-hub"
HEAD = "# Who may do what at the broker, by login. Made by nexa-hub's installer, which only adds to it: change what you like.\n"
# The hub speaks below nexa/ in its own name: no device may, so that none can pretend.
RIGHTS = {HUB: "topic readwrite #\ntopic read $SYS/#\n"}
OF_DEVICES = "topic deny nexa/#\ntopic readwrite #\n"


def hashed(password: str, salt: bytes) -> str:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_of(line: str, password: str) -> bool:
    parts = line.rpartition(":")[2].split("$")
    return len(parts) == 5 and hmac.compare_digest(
        line.rpartition(":")[2], hashed(password, base64.b64decode(parts[3]))
    )


def with_login(lines: list[str], name: str, password: str) -> list[str]:
    there = next((line for line in lines if line.startswith(f"{name}:")), None)
    if there is not None and is_of(there, password):
        return lines
    return [line for line in lines if line is not there] + [f"{name}:{hashed(password, os.urandom(12))}"]


def with_rights(text: str, name: str) -> str:
    if f"user {name}" in (line.strip() for line in text.splitlines()):
        return text
    return f"{text or HEAD}\nuser {name}\n{RIGHTS.get(name, OF_DEVICES)}"


def replace(path: Path, before: str, after: str) -> bool:
    if before == after:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(after)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    return True


def main() -> None:
    logins, rights, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    password = sys.stdin.read().strip()
    before = logins.read_text() if logins.exists() else ""
    after = "".join(f"{line}\n" for line in with_login(before.splitlines(), name, password))
    acl = rights.read_text() if rights.exists() else ""
    changed = [replace(rights, acl, with_rights(acl, name)), replace(logins, before, after)]
    if any(changed):
        print("made")


if __name__ == "__main__":
    main()
