"""Values, schema and templates know the same keys, and each key does something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from chart.engine import RenderError, leaves
from chart.objects import walk
from chart.rendering import Renderer
from chart.scenarios import CHART, Scenario, defaults
from chart.validity import schema_errors
from reference.keys import NAME, Key, ValuesSchema

SCHEMA = ValuesSchema.load(CHART)
KEYS = {key.path: key for key in SCHEMA.walk()}
LEAVES = list(SCHEMA.leaves())
USED = re.compile(r"\.Values\.([A-Za-z][A-Za-z0-9.]*)")

EXTERNAL: dict[str, Any] = {
    "postgres": {"enabled": False},
    "database": {"external": {"host": "db.example.com", "passwordSecret": {"name": "db"}}},
}
GIT: dict[str, Any] = {"project": {"source": "git", "git": {"repository": "https://git.example.com/a.git"}}}
GIT_PASSWORD: dict[str, Any] = {
    "project": {"source": "git", "git": {"repository": "https://x", "auth": "password", "existingSecret": "git-1"}}
}
ENTRANCE: dict[str, Any] = {"networkPolicy": {"webFrom": [{"podSelector": {}}]}}
# Where a key only matters together with others: those others, by the beginning of the key (the longest wins).
CONTEXTS: dict[str, dict[str, Any]] = {
    "database.external": EXTERNAL,
    "database.external.caSecret": EXTERNAL
    | {"database": {"external": {**EXTERNAL["database"]["external"], "caSecret": {"name": "ca"}}}},
    "database.external.urlSecret": {
        "postgres": {"enabled": False},
        "database": {"external": {"urlSecret": {"name": "db", "key": "url"}}},
    },
    "executor": {"executor": {"type": "k8s"}},
    "httpRoute": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway-1"}]}, **ENTRANCE},
    "ingress": {"ingress": {"enabled": True, "host": "a.example.com"}, **ENTRANCE},
    "io.existingSecret": {"io": {"secrets": {"TOKEN": {}}, "existingSecret": "secrets-1"}},
    "io.externalSecrets": {
        "io": {
            "secrets": {"TOKEN": {"name": "team"}},
            "externalSecrets": {"enabled": True, "store": {"name": "store-1"}},
        }
    },
    "pod.volumeMounts": {"pod": {"volumes": {"tmp2": {"emptyDir": {}}}}},
    "postgres.enabled": EXTERNAL | {"postgres": {"enabled": True, "databases": ["warehouse"]}},
    "project.git": GIT,
    "project.git.auth": GIT,
    "project.git.existingSecret": GIT_PASSWORD,
    "project.source": {"project": {"git": GIT["project"]["git"]}},
    "web.podDisruptionBudget": {"web": {"replicas": 2}},
}
# What has to change together with a key.
ALONG: dict[str, dict[str, Any]] = {
    "postgres.enabled": {"postgres": {"databases": []}},
    "project.git.auth": {"project": {"git": {"existingSecret": "git"}}},
}
LEFT_TO_PARENTS = {("global",)}
OPEN = {*LEFT_TO_PARENTS, ("release", "number")}  # the record of a release may say more


def at(values: Any, path: tuple[str, ...], missing: Any = None) -> Any:
    """Return the value at a path."""
    for step in path:
        if not isinstance(values, Mapping) or step not in values:
            return missing
        values = values[step]
    return values


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return values with one key."""
    for step in reversed(path):
        value = {step: value}
    assert isinstance(value, dict)
    return value


def context_of(key: Key) -> dict[str, Any]:
    """Return the values under which the key matters."""
    fitting = [prefix for prefix in CONTEXTS if f"{key.dotted}.".startswith(f"{prefix}.")]
    return CONTEXTS[max(fitting, key=len)] if fitting else {}


def _validator(schema: Mapping[str, Any]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator({**schema, "$defs": SCHEMA.definitions})


def other_values(schema: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield values that the schema allows, other than `value`."""
    candidates = [*schema.get("examples", []), *schema.get("enum", [])]
    if schema.get("type") == "boolean":
        candidates += [True, False]
    if schema.get("type") == "integer":
        candidates += [(value or 0) + 1]
    if schema.get("type") == "string" and "pattern" not in schema:
        candidates += [f"{value}-2"]
    if schema.get("type") == "string":
        candidates += ["other", "user@other.example.com", "9Gi", "9m"]
    validator = _validator(schema)
    yield from (candidate for candidate in candidates if candidate != value and validator.is_valid(candidate))


def test_the_schema_is_a_schema_and_refers_to_nothing_outside() -> None:
    jsonschema.Draft7Validator.check_schema(dict(SCHEMA.root))
    references = {value for path, value in walk(dict(SCHEMA.root)) if path and path[-1] == "$ref"}
    assert all(reference.startswith("#/$defs/") for reference in references)
    assert {reference.removeprefix("#/$defs/") for reference in references} == set(SCHEMA.definitions)


def test_each_map_is_closed_or_for_keys_of_the_user() -> None:
    for path, part in walk(dict(SCHEMA.root)):
        if isinstance(part, dict) and part.get("type") == "object" and path[-1:] != ("properties",):
            assert "additionalProperties" in part, path
            if part.get("additionalProperties") is False:
                assert part["propertyNames"] == {"enum": list(part["properties"])}, path


def test_only_these_maps_are_left_to_others() -> None:
    free = {
        path
        for path, part in walk(dict(SCHEMA.root))
        if isinstance(part, dict) and part.get("additionalProperties") is True
    }
    assert {path[-1] if path[-1] != "0" else path[1] for path in free} == {
        "global",
        "release",
        "variables",
        "eventFields",
        "kubernetes",
        "extraObjects",
    }


def test_each_key_says_in_one_line_what_it_does() -> None:
    for key in KEYS.values():
        text = key.schema.get("description", "")
        assert text.endswith("."), key.dotted
        assert 4 < len(text) < 140, key.dotted
        assert "\n" not in text, key.dotted


def test_examples_are_valid() -> None:
    for key in KEYS.values():
        for example in key.schema.get("examples", []):
            assert [error.message for error in _validator(key.schema).iter_errors(example)] == [], key.dotted


def test_each_key_of_the_values_is_in_the_schema() -> None:
    assert [".".join(path) for path, _ in leaves(defaults()) if not _described(path)] == []


def _described(path: tuple[str, ...]) -> bool:
    """Tell whether the schema knows the path: by name, or as a key that the user may choose."""
    if path in KEYS:
        return True
    parent = KEYS.get(path[:-1])
    return parent is not None and "properties" not in parent.schema


def test_each_key_of_the_schema_is_in_the_values() -> None:
    """But for those below an empty map, which are the user's to give."""
    values = defaults()
    missing = [key.dotted for key in KEYS.values() if key.path not in LEFT_TO_PARENTS and _is_due(key, values)]
    assert missing == []


def _is_due(key: Key, values: dict[str, Any]) -> bool:
    parent = at(values, key.path[:-1])
    return bool(parent) and at(values, key.path, missing=KEYS) is KEYS and NAME not in key.path


def test_the_values_are_valid_once_the_environment_has_a_name(render: Renderer) -> None:
    assert render({"env": "dev"})


def test_templates_use_no_key_that_the_schema_does_not_know() -> None:
    unknown = {
        f"{path.relative_to(CHART)}: {name}"
        for path in (CHART / "templates").rglob("*")
        if path.is_file()
        for name in USED.findall(path.read_text())
        if not _described(tuple(name.split(".")))
    }
    assert unknown == set()


@pytest.mark.parametrize(
    "key", [key for key in LEAVES if key.path not in LEFT_TO_PARENTS], ids=lambda key: key.dotted
)
def test_another_value_renders_something_else(render: Renderer, key: Key) -> None:
    base: dict[str, Any] = {"env": "staging"} | context_of(key)
    value = at(base, key.path, missing=at(defaults(), key.path))
    other = next(other_values(key.schema, value), None)
    assert other is not None, f"give {key.dotted} an example in the schema"
    after = render.text(base, nested(key.path, other), ALONG.get(key.dotted, {}))
    assert after != render.text(base)


def like_something_else(key: Key) -> str | None:
    """Return a text that the key may be, and that YAML without quotes takes for a number or for nothing."""
    if key.schema.get("type") != "string":
        return None
    return next((text for text in ("0", "1e3", "null") if _validator(key.schema).is_valid(text)), None)


@pytest.mark.parametrize("key", [key for key in LEAVES if like_something_else(key)], ids=lambda key: key.dotted)
def test_a_text_that_looks_like_something_else_stays_a_text(render: Renderer, key: Key) -> None:
    text = nested(key.path, like_something_else(key))
    objects = render({"env": "staging"}, context_of(key), text, ALONG.get(key.dotted, {}))
    assert [error for item in objects for error in schema_errors(item, "1.34")] == []


@pytest.mark.parametrize("path", [path for path in KEYS if path not in OPEN], ids=".".join)
def test_a_typo_is_refused_and_the_right_key_named(render: Renderer, path: tuple[str, ...]) -> None:
    *above, name = path
    typo = f"{name[:-1]}{'x' if name[-1] != 'x' else 'y'}"
    with pytest.raises(RenderError) as refusal:
        render({"env": "dev"}, nested((*above, typo), "x"))
    message = str(refusal.value)
    assert f"'{typo}'" in message
    assert f"'{name}'" in message


def test_a_chart_above_may_give_globals(render: Renderer) -> None:
    assert render({"env": "dev", "global": {"team": "data"}}) == render({"env": "dev"})


def test_each_scenario_sets_only_what_the_schema_knows(scenario: Scenario) -> None:
    """The engine says so too, but not for what it renders with schemas switched off."""
    validator = jsonschema.Draft7Validator(dict(SCHEMA.root))
    assert [error.message for error in validator.iter_errors(scenario.values)] == []


def test_templates_ask_neither_a_cluster_nor_chance_nor_the_clock() -> None:
    forbidden = re.compile(
        r"\b(lookup|rand(Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|gen(Ca|SelfSigned|Signed|PrivateKey)\w*|uuidv4|now|htpasswd|bcrypt)\b"
        r"|\.Release\.(Revision|IsInstall|IsUpgrade)|\.Capabilities"
    )
    found = [
        f"{path.name}: {match.group()}"
        for path in (CHART / "templates").rglob("*")
        if path.is_file() and path.suffix in (".yaml", ".tpl")
        for match in forbidden.finditer(
            re.sub(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}|#.*", "", path.read_text(), flags=re.DOTALL)
        )
    ]
    assert found == []
