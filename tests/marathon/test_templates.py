"""Mistakes in a template are reported with their line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from marathon.errors import Problem
from marathon.templates import Rendered, TemplateFault, render_template

Faults = Callable[..., list[Problem]]
GENERATOR, BASE = "apps/data-generator.json.j2", "apps/base.j2"


def line_of(file: Path, text: str) -> int:
    (line,) = (n for n, content in enumerate(file.read_text().splitlines(), 1) if text in content)
    return line


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ("generator.rate |", "generator.raet |", "raet", '"raet" is not defined; did you mean "rate"?'),
        ("topics.prefix |", "topicz.prefix |", "topicz", '"topicz" is not defined; did you mean "topics"?'),
        ("{{ topics.prefix | tojson }}", "{{ topics.prefx }}", "prefx", '"prefx" is not defined'),
        ("{{ topics.prefix | tojson }}", "{{ prefix | tojson }}", "{{ prefix", '"prefix" is not defined'),
        ("health.failures %}", "health.faults %}", "health.faults", '"faults" is not defined'),
        (
            "{{ topics.prefix | tojson }}",
            '"{{ topics.prefix }}"',
            "topics.prefix",
            "must pass through tojson",
        ),
        ("{{ topics.prefix | tojson }}", '{{ "x" }}', '{{ "x" }}', "must pass through tojson"),
        ("{{ topics.prefix | tojson }}", "{{ topics | tojson }}", "topics |", "not JSON serializable"),
        ("{{ topics.prefix | tojson }}", "{{ 1 / 0 | tojson }}", "1 / 0", "unsupported operand"),
        (
            "topics.prefix | tojson }}",
            "topics.prefix | upper | tojson }}",
            "upper",
            "No filter named 'upper'",
        ),
        ("{% if image %}", "{% if imge %}", "{% if imge", '"imge" is not defined; did you mean "image"?'),
        ("{% if image %}", "{% if image", '"container"', "template syntax: expected token"),
        (
            "{% if generator.seed",
            "{% fi generator.seed",
            "{% fi",
            "template syntax: Encountered unknown tag 'fi'",
        ),
        ('"disk": 0,', '"disk": 0', '"disk": 0', "renders to invalid JSON: Expecting ',' delimiter"),
        ('"disk": 0,', '"disk": 0,,', '"disk": 0,,', "renders to invalid JSON"),
        ('"disk": 0,', '"disk": 0, "mem": 1,', '"disk": 0,', "mem: written twice"),
        (
            '"cpus": {{ size.cpus | tojson }}',
            '"cpus": {{ size.cpus | tojson }} x',
            "x,",
            "renders to invalid JSON",
        ),
    ],
)
def test_a_mistake_names_its_line(
    old: str, new: str, at: str, message: str, faults: Faults, copy: Path
) -> None:
    template = GENERATOR if old in (copy / GENERATOR).read_text() else BASE
    (problem,) = faults(template, old, new)
    assert problem.file == str(copy / template)
    assert problem.line == line_of(copy / template, at)
    assert message in str(problem)


def test_user_errors_of_all_templates_come_at_once(faults: Faults, copy: Path) -> None:
    (copy / "apps" / "gatherer.json.j2").write_text("{\n  {{ nothing }}\n}\n")
    (copy / "packages" / "kafka.json.j2").write_text("[]\n")
    found = faults(GENERATOR, "GENERATOR_MODEL", "GENERATOR_RATE")
    assert sorted((Path(problem.file).name, problem.line) for problem in found) == [
        ("data-generator.json.j2", line_of(copy / GENERATOR, "generator.rate |")),
        ("gatherer.json.j2", 2),
        ("kafka.json.j2", 1),
    ]


def test_a_template_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match=r"none\.json\.j2: no such file"):
        render_template(tmp_path / "none.json.j2", {})


TEMPLATE = """\
{# a comment
   of two lines #}
{
  {% for item in items %}
  "{{ item | tojson }}":
    1,
  {% endfor %}
  {%- if items %}
  "after": 2,
  {%- endif %}
  "long": {{ items
             | join(",")
             | tojson }}, "same line": 3,
  "last": 4
}
"""


def rendered(tmp_path: Path) -> Rendered:
    template = tmp_path / "x.json.j2"
    template.write_text(TEMPLATE)
    return render_template(template, {"items": ["a", "b"]})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{\n", 3),
        ('"a"', 5),
        ('"b"', 5),
        ("1,", 6),
        ('"after"', 9),
        ('"long"', 11),
        ('"same', 13),
        ('"last"', 14),
    ],
)
def test_every_part_of_the_text_knows_its_template_line(text: str, line: int, tmp_path: Path) -> None:
    result = rendered(tmp_path)
    assert result.text.count(text) >= 1
    offset = -1
    while (offset := result.text.find(text, offset + 1)) >= 0:
        assert result.origin(offset) == (tmp_path / "x.json.j2", line)


def test_the_marks_leave_no_trace(tmp_path: Path) -> None:
    assert not any(character < " " for character in rendered(tmp_path).text if character != "\n")


def test_what_is_extended_or_included_keeps_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "base.j2").write_text('{\n  "a": 1,\n  {% block b %}{% endblock %}\n}\n')
    (tmp_path / "more.j2").write_text('\n  "c": {{ c | tojson }},\n')
    template = tmp_path / "x.json.j2"
    template.write_text(
        '{% extends "base.j2" %}\n{% block b %}\n{% include "more.j2" %}\n  "d": 2\n{% endblock %}\n'
    )
    result = render_template(template, {"c": 3})
    origins = {key: result.origin(result.text.index(f'"{key}"')) for key in "acd"}
    assert origins == {"a": (tmp_path / "base.j2", 2), "c": (tmp_path / "more.j2", 2), "d": (template, 4)}
    with pytest.raises(TemplateFault, match=r'more\.j2:2: "c" is not defined'):
        render_template(template, {})
    (tmp_path / "more.j2").unlink()
    with pytest.raises(TemplateFault, match=r"more\.j2: no such file"):
        render_template(template, {"c": 3})
