"""The token of a Flink cluster: anyone who knows it may do everything that Flink can do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from kafka_topic.secret_file import open_to
from task_runtime.errors import SettingsError

VARIABLE = "FLINK_TOKEN"
FILE_VARIABLE = "FLINK_TOKEN_FILE"
# The class flinkscripts.rest.Credentials checks the same.
_FORM = re.compile(r"[A-Za-z0-9_-]{32,256}")
_HINT = "make one with `openssl rand -hex 32`"


def flink_token(variables: Mapping[str, str]) -> str:
    """The token: the value of FLINK_TOKEN, else the content of the file that FLINK_TOKEN_FILE names.

    Space around it does not count: a secret that was made from a file ends with the file's newline.
    Raises SettingsError when there is none, when it is not 32 to 256 letters, digits, `_` or `-`, or when
    others may read the file. No message contains the token.
    """
    if value := variables.get(VARIABLE):
        return _checked(value, VARIABLE)
    if not (name := variables.get(FILE_VARIABLE)):
        raise SettingsError(f"neither {VARIABLE} nor {FILE_VARIABLE} is set; Flink needs a token: {_HINT}")
    file = Path(name)
    try:
        if who := open_to(file):
            raise SettingsError(f"{who} may read {file}, which holds Flink's token: chmod 600 {file}")
        return _checked(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{FILE_VARIABLE}={name} cannot be read: {error}") from None


def _checked(value: str, source: str) -> str:
    value = value.strip()
    if not _FORM.fullmatch(value):
        raise SettingsError(f"{source} does not hold a token: 32 to 256 letters, digits, `_` or `-`; {_HINT}")
    return value
