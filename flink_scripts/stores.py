"""Flink's options for stores that need more than a URI."""

from __future__ import annotations

from flink_scripts.settings import Environment


def store_options(env: Environment) -> dict[str, str]:
    """The options of the file system `s3:`, without keys: the store's own variables (AWS_…) hold those."""
    options = {}
    if endpoint := env.optional("FLINK_S3_ENDPOINT"):
        options["s3.endpoint"] = endpoint
    if env.flag("FLINK_S3_PATH_STYLE"):
        options["s3.path.style.access"] = "true"
    return options
