"""Areas of a cluster, such as dev and prod: each has a group, topics and stores of its own, and a quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from marathon import validators
from marathon.errors import BundleError, Problem
from marathon.messages import did_you_mean
from marathon.section import Section
from marathon.signals import Positive

if TYPE_CHECKING:
    from marathon.settings import Settings


def _check_name(name: str) -> str:
    """The name of an area, which is the name of a group, of a role, and a part of topics' names."""
    if "/" in validators.check_group(f"/{name}")[1:] or "." in name:
        raise validators.InvalidValue(
            f"{name!r} is not the name of an area", "write it without slashes and dots"
        )
    validators.check_prefix(f"{name}.")
    return name


AreaName = Annotated[str, AfterValidator(_check_name)]


class Area(Section):
    """What an area may use."""

    cpus: Positive | None = None
    mem: Positive | None = None
    promised: bool = False


def in_area(settings: Settings, name: str) -> Settings:
    """The settings of a bundle in an area. Raises BundleError if the settings have no such area."""
    known = [each for each, area in settings.areas.items() if area is not None]
    if name not in known:
        hint = did_you_mean(name, known) or f"the areas are {', '.join(known)}; the setting `areas` adds one"
        raise BundleError([Problem(f"--area {name}", None, "", "unknown area", hint)])
    cassandra, mysql, hdfs = settings.cassandra, settings.mysql, settings.hdfs
    notebooks, stores, topics = settings.notebooks, settings.stores, settings.topics
    own = name.replace("-", "_")
    if stores.disk is not None:
        stores = stores.model_copy(update={"disk": f"{stores.disk}/{name}"})
    if notebooks.folder is not None:
        # The folders beside this one are those of users.
        notebooks = notebooks.model_copy(update={"folder": f"{notebooks.folder}/areas/{name}"})
    if mysql.packaged:
        # A service has one database and one login. The app `mysql-server` belongs to the group anyway. A
        # server of the user's own is shared.
        service = f"{mysql.service}-{name}"
        own_secrets = {"password": f"{service}-password", "ca": mysql.ca and f"{service}-ca"}
        mysql = mysql.model_copy(update={"service": service, **own_secrets})
    elif mysql.host is not None:
        mysql = mysql.model_copy(update={"database": f"{mysql.database}_{own}"})
    return settings.model_copy(
        update={
            "group": f"/{name}{settings.group}",
            "topics": topics.model_copy(update={"prefix": f"{name}.{topics.prefix}"}),
            "cassandra": cassandra.model_copy(update={"keyspace": f"{cassandra.keyspace}_{own}"}),
            "mysql": mysql,
            "hdfs": hdfs.model_copy(update={"folder": f"{hdfs.folder}/{name}"}),
            "stores": stores,
            "notebooks": notebooks,
        }
    )
