"""Runs the notebooks on the bundle of the cluster local, and writes each with its output to docs/notebooks.

pipectl deploy --with mysql,cassandra,hdfs,notebooks     # then wait some minutes for data
pipectl run sink --from movingaverage --to disk
pipectl run sink --from movingaverage --to cassandra
python bench/notebooks.py
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat
from nbconvert import HTMLExporter
from PIL import Image
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"
TIMEOUT = 180
PARTS = "mysql, cassandra, hdfs, notebooks"
# The page is small, and asks nothing of other hosts.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 sans-serif; color: #222 }}
pre {{ background: #f5f6f8; padding: .6rem .8rem; overflow: auto; font-size: 13px; border-radius: 4px }}
table {{ border-collapse: collapse; font-size: 13px }}
th, td {{ padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #ddd }}
img {{ max-width: 100% }}
.anchor-link {{ display: none }}
{style}
</style></head><body>
{body}
</body></html>
"""


def environment() -> dict[str, str]:
    """The environment of the app, with its secrets."""
    rendered = subprocess.run(
        [sys.executable, "-m", "cli", "render", "--cluster", "local", "--set", f"parts=[{PARTS}]"],
        check=True,
        capture_output=True,
        text=True,
    )
    app = json.loads(rendered.stdout)["notebooks"]
    found = dict(app["env"])
    for name, value in found.items():
        if not isinstance(value, str):
            from cli.local import secrets_folder

            found[name] = (secrets_folder() / app["secrets"][value["secret"]]["source"]).read_text().strip()
    return found


def shrink(book: nbformat.NotebookNode) -> None:
    """Give the charts a palette, which makes them a third as large."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if (png := output.get("data", {}).get("image/png")) is not None:
                small = io.BytesIO()
                Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(48).save(
                    small, "PNG", optimize=True
                )
                output["data"]["image/png"] = base64.b64encode(small.getvalue()).decode()


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    os.environ |= environment()
    FOLDER.mkdir(exist_ok=True)
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    style = HtmlFormatter().get_style_defs(".highlight")
    with tempfile.TemporaryDirectory() as scratch:
        for file in sorted((ROOT / "notebooks" / "library").glob("*.ipynb")):
            book = nbformat.read(file, as_version=4)
            nbclient.NotebookClient(
                book, timeout=TIMEOUT, resources={"metadata": {"path": scratch}}
            ).execute()
            shrink(book)
            body, _ = exporter.from_notebook_node(book)
            page = FOLDER / f"{file.stem}.html"
            text = PAGE.format(title=file.stem, style=style, body=body)
            page.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")
            print(f"{page.relative_to(ROOT)}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
