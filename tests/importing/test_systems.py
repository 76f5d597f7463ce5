"""Each system's export becomes accounts whose people log in with the password they have."""

import json
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import InvalidCredentials
from doorward.importing.flows import Options, Summary, Told
from doorward.importing.model import NotImportable, Person, flag, moment, nested, text, words
from doorward.importing.reading import digest, read
from doorward.importing.systems import SYSTEMS, FirebaseParameters, firebase
from tests.importing import exports
from tests.support.house import PASSWORD, House

ADA = "ada@example.test"


async def run(house: House, path: Path, form: str, **options: Any) -> tuple[Summary, list[Told]]:
    """Import a file."""
    parameters = FirebaseParameters.read(exports.FIREBASE_PARAMETERS)
    convert = firebase(parameters) if form == "firebase" else SYSTEMS[form]
    told: list[Told] = []
    summary = await house.auth.imports.run(
        read(path), convert, digest=digest(path), form=form, options=Options(**options), tell=told.append
    )
    return summary, told


def write(folder: Path, content: object, name: str = "users.json") -> Path:
    """Write an export."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


async def _logs_in_and_is_rehashed(house: House, password: str = PASSWORD) -> dict[str, Any]:
    hashes = "SELECT hash FROM password JOIN account ON account.id = account_id WHERE email = :email"
    before = [row["hash"] for row in await house.auth._database.fetch_all(hashes, email=ADA)]
    with pytest.raises(InvalidCredentials):
        await house.auth.passwords.log_in(login=ADA, password="wrong password")
    entered = await house.auth.passwords.log_in(login=ADA, password=password)
    after = [row["hash"] for row in await house.auth._database.fetch_all(hashes, email=ADA)]
    assert before != after
    assert after[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    again = await house.auth.passwords.log_in(login=ADA, password=password)
    assert again.account.id == entered.account.id
    return {"account": entered.account}


@pytest.mark.parametrize("algorithm", exports.DJANGO_ALGORITHMS)
async def test_django(house: House, tmp_path: Path, algorithm: str) -> None:
    """``dumpdata auth.user``: each of its hashers, names, the date of joining, roles only if they are wanted."""
    fields = {
        "username": "countess",
        "email": ADA,
        "password": exports.django_hash(algorithm),
        "first_name": "Ada",
        "last_name": "Lovelace",
        "is_active": True,
        "is_staff": True,
        "is_superuser": True,
        "date_joined": "2020-01-02T03:04:05.678Z",
    }
    path = write(tmp_path, [{"model": "auth.user", "pk": 7, "fields": fields}])

    summary, told = await run(house, path, "django", with_roles=True)
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert (summary.imported, summary.refused) == (1, 0)
    assert [(each.former_id, each.account_id) for each in told] == [("7", account.id)]
    assert (account.username, account.roles) == ("countess", ("superuser", "staff"))
    assert account.profile == {"first_name": "Ada", "last_name": "Lovelace"}
    assert account.created_at == 1577934245
    assert not account.email_verified


@pytest.mark.parametrize("stored", [exports.argon2_hash(), exports.bcrypt_hash()], ids=["argon2", "bcrypt"])
async def test_fastapi_users(house: House, tmp_path: Path, stored: str) -> None:
    """Its table as CSV, with the words that PostgreSQL writes for yes and no."""
    path = write(
        tmp_path,
        f'id,email,hashed_password,is_active,is_superuser,is_verified\n1,{ADA},"{stored}",t,f,t\n',
        "users.csv",
    )

    summary, _ = await run(house, path, "fastapi-users")
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert summary.imported == 1
    assert account.email_verified
    assert account.roles == ()


@pytest.mark.parametrize(
    "credential",
    [
        exports.keycloak_pbkdf2("pbkdf2"),
        exports.keycloak_pbkdf2("pbkdf2-sha256"),
        exports.keycloak_pbkdf2("pbkdf2-sha512"),
        exports.keycloak_argon2(),
    ],
    ids=["sha1", "sha256", "sha512", "argon2"],
)
async def test_keycloak(house: House, tmp_path: Path, credential: dict[str, Any]) -> None:
    """A realm's export: the users are one member of a large document."""
    user = {
        "id": "6f1c",
        "createdTimestamp": 1577934245678,
        "username": "countess",
        "enabled": True,
        "emailVerified": True,
        "firstName": "Ada",
        "email": ADA,
        "attributes": {"locale": ["en"]},
        "credentials": [{"type": "otp"}, credential],
        "realmRoles": ["default-roles", "editor"],
    }
    path = write(tmp_path, {"realm": "demo", "settings": ["x"] * 100_000, "users": [user]})

    summary, told = await run(house, path, "keycloak", with_roles=True)
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert summary.imported == 1, told
    assert account.created_at == 1577934245
    assert account.profile == {"first_name": "Ada", "attributes": {"locale": ["en"]}}
    assert account.roles == ("default-roles", "editor")


@pytest.mark.parametrize(
    "hashed",
    [
        {"passwordHash": exports.bcrypt_hash()},
        {"custom_password_hash": {"algorithm": "argon2", "hash": {"value": exports.argon2_hash()}}},
    ],
    ids=["export", "import schema"],
)
async def test_auth0(house: House, tmp_path: Path, hashed: dict[str, Any]) -> None:
    """A line an account, with the id that MongoDB gave it."""
    user = {"_id": {"$oid": "60425dc43519d90068f82973"}, "email": ADA, "email_verified": True, "name": "Ada", **hashed}
    path = write(tmp_path, json.dumps(user) + "\n", "export.ndjson")

    summary, told = await run(house, path, "auth0")
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert summary.imported == 1
    assert told[0].former_id == "60425dc43519d90068f82973"
    assert account.email_verified
    assert account.profile == {"name": "Ada"}


async def test_supabase(house: House, tmp_path: Path) -> None:
    """``auth.users`` as CSV, whose JSON columns are text."""
    stored = exports.bcrypt_hash(prefix=b"2a")
    path = write(
        tmp_path,
        "id,email,encrypted_password,email_confirmed_at,raw_user_meta_data,created_at,banned_until,deleted_at\n"
        f'u1,{ADA},{stored},2020-01-02 03:04:05.6+00,"{{""name"":""Ada""}}",2020-01-02 03:04:05+00,,\n'
        f"u2,gone@example.test,{stored},,,2020-01-02 03:04:05+00,,2021-01-01 00:00:00+00\n"
        f"u3,banned@example.test,{stored},,,2020-01-02 03:04:05+00,2999-01-01 00:00:00+00,\n",
        "users.csv",
    )

    summary, _ = await run(house, path, "supabase")
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert (summary.imported, summary.refused) == (2, 1)
    assert account.profile == {"name": "Ada"}
    assert (await house.auth.accounts.find_by_email("banned@example.test")).disabled_at is not None


async def test_firebase(house: House, tmp_path: Path) -> None:
    """The documented sample: the hash is verified without the signer key, which is stored nowhere."""
    user = {
        "localId": "f1",
        "email": ADA,
        "emailVerified": True,
        "passwordHash": exports.FIREBASE_HASH,
        "salt": exports.FIREBASE_SALT,
        "displayName": "Ada",
        "createdAt": "1577934245678",
    }
    path = write(tmp_path, {"users": [user]})

    summary, _ = await run(house, path, "firebase")
    rows = await house.auth._database.fetch_all("SELECT hash FROM password")
    account = (await _logs_in_and_is_rehashed(house, exports.FIREBASE_PASSWORD))["account"]

    assert summary.imported == 1
    assert rows[0]["hash"].startswith("$firebase-scrypt$ln=14,r=8,p=1$")
    assert "jxspr8Ki" not in rows[0]["hash"]
    assert account.email_verified


async def test_our_own_csv(house: House, tmp_path: Path) -> None:
    """Every column, with a byte order mark as spreadsheets write it."""
    path = write(
        tmp_path,
        "\ufeffemail,password_hash,username,email_verified,profile,roles,created_at,disabled,id\n"
        f'{ADA},"{exports.argon2_hash()}",countess,yes,"{{""a"": ""1""}}",editor;admin,1577934245,no,77\n',
        "users.csv",
    )

    summary, told = await run(house, path, "csv", with_roles=True)
    account = (await _logs_in_and_is_rehashed(house))["account"]

    assert summary.imported == 1
    assert told[0].former_id == "77"
    assert (account.username, account.roles, account.profile) == ("countess", ("editor", "admin"), {"a": "1"})
    assert account.email_verified_at == account.created_at == 1577934245


async def test_an_account_without_a_password_is_imported_and_noted(house: House, tmp_path: Path) -> None:
    """Django's unusable passwords, people who came by another provider; they reset it when they come."""
    lines = [
        {"pk": 1, "fields": {"email": ADA, "password": "!" + "x" * 40, "username": ADA}},
        {"pk": 2, "fields": {"email": "other@example.test", "password": "", "username": "has a blank"}},
    ]

    summary, told = await run(house, write(tmp_path, lines), "django")

    assert summary.imported == 2
    notes = [each.words for each in told if each.outcome == "noted"]
    assert notes == [
        "imported without a password: there is none in the file",
        "imported without the username, which cannot be one here",
        "imported without a password: there is none in the file",
    ]
    assert (await house.auth.accounts.find_by_email(ADA)).username is None


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("jsonl", {"email": ["a"]}),
        ("jsonl", {"email": ADA, "email_verified": "perhaps"}),
        ("jsonl", {"email": ADA, "created_at": "yesterday"}),
        ("jsonl", {"email": ADA, "created_at": "9" * 40}),
        ("jsonl", {"email": ADA, "profile": "["}),
        ("jsonl", {"email": ADA, "profile": "[" * 70_000}),
        ("jsonl", {"email": ADA, "profile": "[1]"}),
        ("jsonl", {"email": ADA, "roles": [1]}),
        ("django", {"fields": "x"}),
        ("keycloak", {"credentials": [{"type": "password", "credentialData": '{"algorithm": "md5"}'}]}),
        ("keycloak", {"credentials": [{"type": "password", "secretData": '{"salt": "*"}'}]}),
        ("supabase", {"email": ADA, "deleted_at": "2020-01-01"}),
    ],
)
def test_what_cannot_be_read_is_said_and_not_guessed(form: str, raw: dict[str, Any]) -> None:
    """One person's line is refused, in words that quote nothing of it."""
    with pytest.raises(NotImportable) as refused:
        SYSTEMS[form](raw)

    assert ADA not in str(refused.value)


def test_keycloak_without_a_password() -> None:
    """People who only ever came by another provider have no credentials, or others."""
    assert SYSTEMS["keycloak"]({"email": ADA}).stored is None
    assert SYSTEMS["keycloak"]({"email": ADA, "credentials": [{"type": "otp"}]}).stored is None


def test_firebase_of_another_project_is_noticed() -> None:
    """A hash whose length is not the signer key's was made with another one."""
    convert = firebase(FirebaseParameters.read(exports.FIREBASE_PARAMETERS))

    with pytest.raises(NotImportable):
        convert({"email": ADA, "passwordHash": "AAAA", "salt": "AAAA"})
    assert convert({"email": ADA}).stored is None


def test_parameters_of_firebase_that_are_none_are_refused() -> None:
    """Somebody gave the wrong file."""
    for written in ("", "hash_config { rounds: 8 }", exports.FIREBASE_PARAMETERS.replace("rounds: 8", "rounds: x")):
        with pytest.raises(NotImportable):
            FirebaseParameters.read(written)


def test_the_signer_key_is_not_printed() -> None:
    """It is what keeps the hashes of a whole project from being guessed."""
    assert "signer" not in repr(FirebaseParameters.read(exports.FIREBASE_PARAMETERS))
    assert "canary" not in repr(Person(email=ADA, stored="canary", profile={"a": "canary"}))


def test_small_words_are_read_as_people_and_databases_write_them() -> None:
    """Yes and no, times in five spellings, lists, nested objects."""
    assert [flag({"x": each}, "x") for each in (True, "t", "YES", 1, "0", None, "")] == [True] * 4 + [False] * 3
    written = (
        "1577934245",
        1577934245678,
        "2020-01-02T03:04:05Z",
        "2020-01-02 03:04:05+00",
        "2020-01-02T04:04:05+01:00",
    )
    assert {moment({"x": each}, "x") for each in written} == {1577934245}
    assert moment({}, "x") is None
    assert moment({"x": "2020-01-02T03:04:05"}, "x") == 1577934245
    assert words({"x": "a, b;c"}, "x") == ("a", "b", "c")
    assert words({"x": None}, "x") == ()
    assert nested({"x": {"a": 1}}, "x") == {"a": 1}
    assert text({"a": " ", "b": 5}, "a", "b") == "5"
