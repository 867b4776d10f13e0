"""What each optional part requires of the settings, and on a local cluster of the installed packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from marathon.flows import streams_to
from marathon.settings import Settings
from marathon.validators import InvalidValue, check_user

_SHARED = "without users (notebooks.users=[]), all share one JupyterLab"


class Missing(NamedTuple):
    """A message about what is missing, and how to provide it."""

    message: str
    hint: str


def missing(part: str, settings: Settings, *, local: bool) -> Iterator[Missing]:
    """Everything that a part lacks. local: whether the cluster runs on this machine."""
    if part in REQUIRED:
        yield from REQUIRED[part](part, settings, local)


def missing_spark_image(settings: Settings) -> Iterator[Missing]:
    """What apps and jobs of Spark lack if the others run from an image."""
    if settings.image is not None and settings.spark.image is None:
        yield Missing(
            f"Spark needs spark.image: the project's image {settings.image} does not contain it",
            "build and push it with `make image-spark IMAGE=NAME:TAG`, then --set spark.image=NAME:TAG",
        )


def missing_room(settings: Settings, apps: Sequence[str]) -> Iterator[Missing]:
    """What a standalone Spark cluster lacks to run a job beside these apps, if these use one."""
    standalone = settings.spark.standalone
    streams = [name for name in apps if name.startswith("stream-to-")]
    if standalone.enabled and standalone.room <= len(streams):
        yield Missing(
            f"the workers of Spark have room for {standalone.room} executors; "
            f"{', '.join(streams)} and a job need {len(streams) + 1}",
            "raise spark.standalone.workers, or its cores and mem, or lower app_cores and app_mem",
        )


def _streams(part: str, settings: Settings, local: bool) -> Iterator[Missing]:
    """Its apps store flows by Spark."""
    if settings.stores.disk is None:
        yield Missing(
            f"part {part} needs stores.disk, the folder for results and checkpoints of its streams",
            "--set stores.disk=/mnt/shared/volatility; it must be the same on every agent",
        )
    yield from missing_spark_image(settings)
    if local and find_spec("pyspark") is None:
        yield Missing(
            f"part {part} needs Spark, which is not installed",
            "run `pip install '.[local,spark]'` in the project's folder",
        )


def _hdfs(part: str, settings: Settings, local: bool) -> Iterator[Missing]:
    if streams_to(part, settings.flows):
        yield from _streams(part, settings, local)


def _mysql(part: str, settings: Settings, local: bool) -> Iterator[Missing]:
    if settings.mysql.password is None:
        yield Missing(
            "part mysql needs mysql.password, the path of the secret with the password of its login",
            "--set mysql.password=volatility/mysql-password, which `security.secrets` can create",
        )


def _webhook(part: str, settings: Settings, local: bool) -> Iterator[Missing]:
    if not settings.webhook.environment:
        yield Missing(
            "part webhook needs webhook.url (or webhook.url_secret) and webhook.secret, the path of the "
            "secret that signs posts",
            "--set webhook.url=https://host/signals --set webhook.secret=volatility/webhook-secret",
        )


def _notebooks(part: str, settings: Settings, local: bool) -> Iterator[Missing]:
    notebooks = settings.notebooks
    users = ", ".join(notebooks.users or ())
    if local and not all(map(find_spec, ("jupyterlab", "matplotlib"))):
        yield Missing(
            "part notebooks needs JupyterLab, which is not installed",
            "run `pip install '.[local,notebooks]'` in the project's folder",
        )
    for user in notebooks.users or ():
        try:
            check_user(user)
        except InvalidValue as error:
            yield Missing(
                f"accounts.users: {error} of notebooks",
                f"{error.hint}; or name the users of the notebooks in notebooks.users",
            )
    if local and users and find_spec("jupyterhub") is None:
        yield Missing(
            f"notebooks for {users} need JupyterHub, which is not installed",
            f"run `pip install '.[local,notebooks,hub]'` in the project's folder; {_SHARED}",
        )
    if not local and users and notebooks.login_keys is None:
        yield Missing(
            f"notebooks for {users} need notebooks.login_keys, the public keys of the cluster's login",
            f"set it to what `curl https://CLUSTER/acs/api/v1/auth/jwks` prints; {_SHARED}",
        )
    if not local and not users and notebooks.token is None:
        yield Missing(
            "part notebooks needs notebooks.token, the path of the secret with the token to sign in with",
            "--set notebooks.token=volatility/notebooks-token, which `security.secrets` can create",
        )
    if settings.image is not None and notebooks.image is None:
        yield Missing(
            f"part notebooks needs notebooks.image: {settings.image} does not contain JupyterLab",
            "build an image from it that adds the packages of the extra `notebooks` in setup.cfg",
        )


_Required = Callable[[str, Settings, bool], Iterator[Missing]]
REQUIRED: Mapping[str, _Required] = {
    "spark": _streams,
    "cassandra": _streams,
    "hdfs": _hdfs,
    "mysql": _mysql,
    "webhook": _webhook,
    "notebooks": _notebooks,
}
