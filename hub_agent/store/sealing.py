"""Encrypts and opens backups, in a process of its own: what makes passphrases costly to try takes seconds, in which nothing else of the agent could run."""

import json
import os
import sys
from subprocess import run

from hub_agent.errors import NotPossible

NICENESS = 10
# How the process says that the passphrase does not open it.
NOT_OPENED = 4


def seal(content: bytes, passphrase: str) -> bytes:
    """In the age format. Raises NotPossible."""
    sealed = _done_aside("seal", content, passphrase)
    if sealed is None:
        raise NotPossible("The backup could not be encrypted.")
    return sealed


def unseal(content: bytes, passphrase: str) -> bytes | None:
    """None: the passphrase does not open it, or it is damaged. Raises NotPossible."""
    return _done_aside("unseal", content, passphrase)


def _done_aside(deed: str, content: bytes, passphrase: str) -> bytes | None:
    command = [sys.executable, "-P", "-m", "hub_agent.store.sealing", deed]
    told = json.dumps(passphrase).encode() + b"\n" + content
    done = run(command, input=told, capture_output=True, check=False)  # noqa: S603 our own program
    if done.returncode not in {0, NOT_OPENED}:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NotPossible(f"The encryption of the backup failed: {''.join(last) or f'it ended with {done.returncode}'}")
    return done.stdout if done.returncode == 0 else None


def _main() -> None:
    from pyrage import DecryptError, passphrase as age

    os.nice(NICENESS)
    passphrase = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    try:
        sys.stdout.buffer.write(
            age.encrypt(content, passphrase) if sys.argv[1] == "seal" else age.decrypt(content, passphrase)
        )
    except DecryptError:
        sys.exit(NOT_OPENED)


if __name__ == "__main__":
    _main()
