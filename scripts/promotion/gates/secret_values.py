"""Tell a secret from what only looks like one: placeholders, paths, public addresses, names of variables."""

from __future__ import annotations

import re

from promotion.pipelines.jinja import is_expression

# Names like `tokenizer`, `token_url` and `private_key_path` are common: a name must end with the word.
_NAME = re.compile(
    r"(PASSWORD|PASSPHRASE|PASSWD|SECRET|TOKEN|PRIVATE_KEY|ACCESS_KEY|API_?KEY|\bPASS)[_0-9]*$", re.IGNORECASE
)
# MAGE.md: api-session
# It is named like a secret, but is the same in every Mage: it tells the server that the client is the web UI.
_MAGES_OWN_KEY = "zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2"
_PUBLIC = {_MAGES_OWN_KEY, "mage1337"}  # the latter is the password of Trino in Mage's template of io_config.yaml
# A value of such words alone is a placeholder, or a default that everybody knows.
_WORD = re.compile(
    r"a|access|admin|airtable|algolia|api|app|auth|aws|azure|change|changeme|client|credentials|"
    r"database|db|default|druid|dummy|example|fake|file|foo|bar|for|from|generate|goes|guest|here|id|"
    r"insert|is|key|login|mage|me|mongodb|mssql|my|mysql|name|none|null|openai|or|pass|passphrase|"
    r"password|pg|pinot|placeholder|postgres|private|pwd|redshift|replace|root|sample|secret|service|"
    r"session|snowflake|some|temp|temporary|test|the|this|to|todo|token|trino|used|user|username|"
    r"value|weaviate|with|xxx|your"
)
_IN_PLACEHOLDERS = re.compile(
    r"(?<![a-z])your(?![a-z])|example|placeholder|change.?me|redacted|x{4,}|\*{3,}|\.\.\.", re.IGNORECASE
)
_REFERENCE = re.compile(
    r"^\$[A-Z_][A-Z0-9_]*$|^\$\{\w.*\}$|^\$\(|%\(?\w*\)?s|^<.*>$|\{\w+\}|\b(?:getenv|environ)\b"
    r"|^arn:aws[\w-]*:|^projects/[\w-]+/secrets/"  # where a cloud keeps it
)
_NAME_OF_FIELD = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+")
_PATH = re.compile(
    r"(?:~|\.{0,2})/[\w./-]+|[a-z_-]+(?:/[a-z_-]+)+|[\w./-]+\.(?:json|pem|key|ya?ml|txt|crt|p8|p12)"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://(?![^/\s]*:[^/\s]*@)\S*", re.IGNORECASE)
_PASSWORD_IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@'\"{}$<>]+:([^/\s:@'\"{}$<>]+)@")

# Each form is the one that its maker documents; lengths keep ordinary words out.
_SHAPES = {
    "a private key": re.compile(
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\\n|[\s\"'+,])*"
        r"(?:[\w-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{40,}"
    ),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36,}\b|\bgithub_pat_[0-9A-Za-z_]{60,}\b"),
    "a GitLab token": re.compile(r"\bgl(?:pat|dt|rt|cbt|ptt)-[0-9A-Za-z_-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abeprs]-[0-9A-Za-z-]{10,}"),
    "the address of a Slack webhook": re.compile(r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}"),
    "a key of Google's API": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a Stripe key": re.compile(r"\b[rs]k_live_[0-9A-Za-z]{20,}\b"),
    "a SendGrid key": re.compile(r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b"),
    "an OpenAI key": re.compile(r"\bsk-(?:proj-)?[0-9A-Za-z_-]{20,}T3BlbkFJ[0-9A-Za-z_-]{20,}"),
    "a key of Azure's storage": re.compile(r"\bAccountKey=[0-9A-Za-z+/]{86}=="),
    "a token of a package registry": re.compile(r"\bnpm_[0-9A-Za-z]{36}\b|\bpypi-AgE[0-9A-Za-z_-]{60,}"),
}
# A text without any of these, in lower case, cannot hold a secret: true for nearly every file.
_SIGNS = (
    *("-----begin", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-"),
    *("glrt-", "glcbt-", "glptt-", "xox", "hooks.slack", "aiza", "k_live_", "sg.", "t3blbkfj", "accountkey="),
    *("npm_", "pypi-", "://", "pass", "secret", "token", "key"),
)


def may_have_a_secret(text: str) -> bool:
    """Tell whether it is worth while to look at `text`."""
    lowered = text.lower()
    return any(sign in lowered for sign in _SIGNS)


def shapes_in(text: str) -> list[tuple[int, str]]:
    """Return the lines of `text` with a secret that shows by its form, each with the kind of secret."""
    found = [
        (text.count("\n", 0, match.start()) + 1, what)
        for what, shape in _SHAPES.items()
        for match in shape.finditer(text)
    ]
    for match in _PASSWORD_IN_ADDRESS.finditer(text):
        if not _is_placeholder(match[1]):
            found.append((text.count("\n", 0, match.start()) + 1, "a password in a URL"))
    return found


def is_name_of_secret(name: str) -> bool:
    """Tell whether what is called `name` is secret, whatever it is."""
    return bool(_NAME.search(name))


def is_secret(name: str, value: object) -> bool:
    """Tell whether `name` is that of a secret, and `value` the secret itself."""
    if not isinstance(value, str) or not _NAME.search(name) or value.strip() in {"", *_PUBLIC}:
        return False
    if value.lower() == name.lower() or (_is_name(value) and _NAME.search(value)):
        return False  # the name of a variable, or of a field
    if re.search(r"(?i)token[_0-9]*$", name) and not re.search(r"\d", value):
        return False  # as of a parser, a language model or a page
    return not (is_expression(value) or _is_placeholder(value.strip()))


def _is_name(value: str) -> bool:
    return bool(_NAME_OF_FIELD.fullmatch(value)) or (value.isupper() and value.isidentifier())


def _is_placeholder(value: str) -> bool:
    words = [word.strip("0123456789") for word in re.split(r"[\W_]+", re.sub(r"\(.*?\)", "", value).lower())]
    return (
        all(_WORD.fullmatch(word) for word in words if word)
        or bool(_IN_PLACEHOLDERS.search(value) or _REFERENCE.search(value))
        or bool(_PATH.fullmatch(value) or _ADDRESS.fullmatch(value))
    )
