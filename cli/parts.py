"""Optional parts that a deploy enabled with `--with`. Labels of their apps on the cluster remember them."""

import json
from collections.abc import Collection
from dataclasses import replace
from importlib.util import find_spec

from cli.engine.protocol import Engine
from cli.errors import UsageProblem
from cli.session import Session
from marathon import parts
from marathon.flows import streams_to
from marathon.model import KAFKA, PART
from marathon.validators import InvalidValue, check_user

# The parts whose apps store flows by Spark.
_STREAMING = ("spark", "cassandra")
_SHARED = "without users (notebooks.users=[]), all share one JupyterLab"


def check_parts(run: Session, wanted: Collection[str], unwanted: Collection[str]) -> None:
    """Raise UsageProblem for unknown parts, and for parts that cannot be switched this way."""
    known = parts(run.settings)
    for name in (*wanted, *unwanted):
        if name not in known:
            raise UsageProblem(f"no part {name}", hint=f"the parts are: {', '.join(known)}")
    check_requirements(run, (*wanted, *run.settings.parts))
    for name in unwanted:
        if name in run.settings.parts:
            raise UsageProblem(
                f"--without only undoes --with; the setting `parts` enables {name}",
                hint=f"remove {name} from `parts`, as in --set 'parts=[]'",
            )
        if name in wanted:
            raise UsageProblem(f"{name} is given with both --with and --without")


def check_requirements(run: Session, names: Collection[str]) -> None:
    """Raise UsageProblem for a part that lacks a setting or a package."""
    for name in names:
        streaming = name in _STREAMING or (name == "hdfs" and streams_to(name, run.settings.flows))
        if streaming and run.settings.stores.disk is None:
            raise UsageProblem(
                f"part {name} needs stores.disk, the folder for results and checkpoints of its streams",
                hint="--set stores.disk=/mnt/shared/volatility; it must be the same on every agent",
            )
        if streaming:
            check_spark_image(run)
        if streaming and run.is_local and find_spec("pyspark") is None:
            raise UsageProblem(
                f"part {name} needs Spark, which is not installed",
                hint="run `pip install '.[local,spark]'` in the project's folder",
            )
        if name == "mysql" and run.settings.mysql.password is None:
            raise UsageProblem(
                "part mysql needs mysql.password, the path of the secret with the password of its login",
                hint="--set mysql.password=volatility/mysql-password, which `security.secrets` can create",
            )
        if name == "notebooks":
            _check_notebooks(run)
        if name == "webhook" and not run.settings.webhook.environment:
            raise UsageProblem(
                "part webhook needs webhook.url (or webhook.url_secret) and webhook.secret, the path of the "
                "secret that signs posts",
                hint="--set webhook.url=https://host/signals --set webhook.secret=volatility/webhook-secret",
            )


def _check_notebooks(run: Session) -> None:
    """Raise UsageProblem if JupyterLab, or JupyterHub for users, lacks a package or a setting."""
    notebooks = run.settings.notebooks
    if run.is_local and not all(map(find_spec, ("jupyterlab", "matplotlib"))):
        raise UsageProblem(
            "part notebooks needs JupyterLab, which is not installed",
            hint="run `pip install '.[local,notebooks]'` in the project's folder",
        )
    for user in notebooks.users or ():
        try:
            check_user(user)
        except InvalidValue as error:
            raise UsageProblem(
                f"accounts.users: {error} of notebooks",
                hint=f"{error.hint}; or name the users of the notebooks in notebooks.users",
            ) from None
    if run.is_local and notebooks.users and find_spec("jupyterhub") is None:
        raise UsageProblem(
            f"notebooks for {', '.join(notebooks.users)} need JupyterHub, which is not installed",
            hint=f"run `pip install '.[local,notebooks,hub]'` in the project's folder; {_SHARED}",
        )
    if not run.is_local and notebooks.users and notebooks.login_keys is None:
        raise UsageProblem(
            f"notebooks for {', '.join(notebooks.users)} need notebooks.login_keys, the public keys of the "
            "cluster's login",
            hint=f"set it to what `curl https://CLUSTER/acs/api/v1/auth/jwks` prints; {_SHARED}",
        )
    if not run.is_local and not notebooks.users and notebooks.token is None:
        raise UsageProblem(
            "part notebooks needs notebooks.token, the path of the secret with the token to sign in with",
            hint="--set notebooks.token=volatility/notebooks-token, which `security.secrets` can create",
        )
    if run.settings.image is not None and notebooks.image is None:
        raise UsageProblem(
            f"part notebooks needs notebooks.image: {run.settings.image} does not contain JupyterLab",
            hint="build an image from it that adds the packages of the extra `notebooks` in setup.cfg",
        )


def check_spark_image(run: Session) -> None:
    """Raise UsageProblem if apps run from an image, but `spark.image` does not name one with Spark."""
    if run.settings.image is not None and run.settings.spark.image is None:
        raise UsageProblem(
            f"Spark needs spark.image: the project's image {run.settings.image} does not contain it",
            hint="build and push it with `make image-spark IMAGE=NAME:TAG`, then --set spark.image=NAME:TAG",
        )


def check_parts_chosen(run: Session, wanted: Collection[str], chosen: Collection[str]) -> None:
    """Raise UsageProblem if `--only` or `--skip` excludes every component of a part in `--with`."""
    known = parts(run.settings)
    for name in wanted:
        components = known[name].components
        if not components.keys() & set(chosen):
            raise UsageProblem(
                f"--with {name} has no effect: --only or --skip excludes {', '.join(components)}",
                hint=f"also choose {', '.join(components)}, or remove --with {name}",
            )


def with_remembered(
    run: Session, engine: Engine, *, wanted: Collection[str] = (), unwanted: Collection[str] = ()
) -> Session:
    """The session with the parts that earlier deploys enabled, plus `wanted` and minus `unwanted`."""
    group, known = run.settings.group, parts(run.settings)
    found = {app.labels.get(PART) for app in engine.apps().values() if app.owner == group}
    chosen = (known.keys() & found | set(wanted)) - set(unwanted) - set(run.settings.parts)
    return run if chosen == run.with_parts else replace(run, with_parts=frozenset(chosen))


def as_deployed(run: Session, engine: Engine) -> Session:
    """The session with the parts and the Kafka service of the running bundle, whatever the settings say.

    Returns `run` itself if none of the bundle's apps run.
    """
    group = run.settings.group
    ours = {app.id: app for app in engine.apps().values() if app.owner == group}
    if not ours:
        return run
    service = next((each for app in ours.values() if (each := app.labels.get(KAFKA))), None)
    if service is not None and service != run.settings.kafka.service:
        run = replace(run, overrides=(*run.overrides, f"kafka.service={json.dumps(service)}"))
    running = [
        name
        for name, part in parts(run.settings).items()
        if any(f"{group}/{component}" in ours for component in part.components)
    ]
    if set(running) == {*run.settings.parts, *run.with_parts}:
        return run
    return replace(run, overrides=(*run.overrides, f"parts=[{', '.join(running)}]"), with_parts=frozenset())
