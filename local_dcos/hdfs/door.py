"""Who may ask the nodes over HTTP: only who knows the name of a header, which is a secret.

By default, Hadoop's filter against forged requests (CSRF) looks for a header with a known name. A web page
that lets its own name point to this machine can send that one, but none whose name it doesn't know.
"""

from pathlib import Path
from xml.sax.saxutils import escape

from local_dcos.files import write_durably

_FILTER = "org.apache.hadoop.security.http.RestCsrfPreventionFilter"
# No method is spared. Whatever sends the header User-Agent counts as a browser; every browser does.
_EVERY = {"methods-to-ignore": "none", "browser-useragents-regex": ".*"}
# Hadoop's web server prefers this folder to what the jars hold. It is relative to where a node runs.
_PAGES = Path("src/main/webapps")
_NODES = ("hdfs", "datanode")


def settings(header: str) -> dict[str, str]:
    """Returns the settings by which WebHDFS, and all of the data node's port, ask for the header."""
    options = {"enabled": "true", "custom-header": header, **_EVERY}
    return {f"dfs.webhdfs.rest-csrf.{name}": value for name, value in options.items()}


def write_pages(folder: Path, header: str) -> None:
    """Makes the web servers of nodes that run in `folder` ask for the header too, at every path.

    They serve more than WebHDFS: settings, logs, copies of the name node's data. They get no pages to show.
    """
    options = "".join(
        f"<init-param><param-name>{name}</param-name><param-value>{escape(value)}</param-value></init-param>"
        for name, value in {"custom-header": header, **_EVERY}.items()
    )
    described = f"""<web-app version="2.4" xmlns="http://java.sun.com/xml/ns/j2ee">
<filter><filter-name>door</filter-name><filter-class>{_FILTER}</filter-class>{options}</filter>
<filter-mapping><filter-name>door</filter-name><url-pattern>/*</url-pattern></filter-mapping>
</web-app>
"""
    for node in _NODES:
        about = folder / _PAGES / node / "WEB-INF"
        about.mkdir(parents=True, exist_ok=True)
        write_durably(about / "web.xml", described)
    # The files of the web UI, which need no header, are not there.
    (folder / _PAGES / "static").mkdir(exist_ok=True)
