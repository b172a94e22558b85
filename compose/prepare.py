"""Make what `docker compose up` starts with: passwords that nobody chose, and the variables of dev's connections.

Runs as root in a container of its own, which ends before the others start. All of it is kept in volumes: a
password is made once, and no log and no file of the repository has it.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

RELEASE = Path("/srv/release")
VALUES = Path("/etc/mage/values.yaml")
CREDENTIALS = Path("/credentials")  # only root reads them, before it becomes the project's owner
PASSWORDS = Path("/etc/postgresql-passwords")  # as in the chart: PostgreSQL reads one file for each role
DATA = Path("/var/lib/mage")
POSTGRES = 999  # the user of PostgreSQL's image
PLACEHOLDER = "not-set-on-this-machine"


def main() -> None:
    """Write the files and give them to those who read them."""
    values = yaml.safe_load(VALUES.read_text()) or {}
    databases = (values.get("postgres") or {}).get("databases") or []
    for name in ("postgres", "mage", *databases):
        secret(PASSWORDS / f"{name}-password", owner=POSTGRES)
    write(PASSWORDS / "databases", " ".join(["mage", *databases]), owner=POSTGRES)
    write(CREDENTIALS / "mage.env", "".join(mage_variables(values.get("io") or {}, databases)))
    write(CREDENTIALS / "web.env", "".join(web_variables()))
    owner = (RELEASE / "mage_project").stat()
    for path in (DATA, *DATA.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def mage_variables(io: dict[str, Any], databases: list[str]) -> Iterator[str]:
    """Yield what every process of Mage gets: what dev's values supply, and this machine's databases."""
    yield exported("MAGE_REPO_PATH", str(project()))
    yield exported("DB_PASS", (PASSWORDS / "mage-password").read_text())
    for name in databases:
        begin = name.upper()
        yield exported(f"{begin}_HOST", "postgres")
        yield exported(f"{begin}_PORT", "5432")
        yield exported(f"{begin}_DATABASE", name)
        yield exported(f"{begin}_USER", name)
        yield exported(f"{begin}_PASSWORD", (PASSWORDS / f"{name}-password").read_text())
    for name, value in (io.get("settings") or {}).items():
        yield exported(name, str(value))
    for name in io.get("secrets") or {}:  # their values are in a cluster; compose.override.yaml may supply some
        yield f'export {name}="${{{name}:-{PLACEHOLDER}}}"\n'


def web_variables() -> Iterator[str]:
    """Yield what only the web gets: who may log in."""
    for variable, file in {
        "DEFAULT_OWNER_PASSWORD": "owner-password",
        "JWT_SECRET": "jwt-secret",
        "JWT_DOWNLOAD_SECRET": "jwt-download-secret",
    }.items():
        yield exported(variable, secret(CREDENTIALS / file))


def project() -> Path:
    """Return the folder of the project under the name that it gives itself."""
    folder = RELEASE / "mage_project"
    links = (link for link in (RELEASE / "packages").glob("*") if link.is_symlink() and link.resolve() == folder)
    return next(links, folder)


def exported(name: str, value: str) -> str:
    """Return a line of a shell."""
    return f"export {name}={shlex.quote(value)}\n"


def secret(path: Path, owner: int = 0) -> str:
    """Return the secret in the file `path`; the first call makes it."""
    if not path.exists():
        write(path, secrets.token_urlsafe(18), owner)
    return path.read_text()


def write(path: Path, text: str, owner: int = 0) -> None:
    """Write a file that only `owner` and root can read, in one step."""
    new = path.with_suffix(".new")
    new.touch(mode=0o440)
    new.write_text(text)
    shutil.chown(new, owner, 0)
    new.replace(path)


if __name__ == "__main__":
    main()
