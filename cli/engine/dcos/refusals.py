"""Extracts the invalid keys from Marathon's 422 answers."""

import json
from typing import Any


def refusal_details(said: str) -> list[str]:
    """`/path: message` for every detail of the JSON inside `said`; empty if there is none.

    The real clients print the body of the answer within their own text.
    """
    start, end = said.find("{"), said.rfind("}")
    try:
        document = json.loads(said[start : end + 1]) if start >= 0 else None
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    details = document.get("details")
    if isinstance(details, list):
        return [_one(detail) for detail in details]
    return [f"{document['message']}: {details}"] if isinstance(details, str) and "message" in document else []


def _one(detail: Any) -> str:
    if not isinstance(detail, dict):
        return str(detail)
    errors = detail.get("errors", [])
    return f"{detail.get('path', '/')}: {', '.join(map(str, errors))}"
