"""Marathon's refusals (422) in words: which key of what was sent is wrong, and why."""

import json
from typing import Any


def refusal_details(said: str) -> list[str]:
    """`/path: what is wrong` for every detail of the JSON inside `said`; empty when there is none.

    The real clients print the answer's body as it came, with their own words around it.
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
