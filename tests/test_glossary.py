"""The glossary: complete rows, and links that arrive."""
import json
import re
from pathlib import Path

import pytest

NBS = Path(__file__).resolve().parents[1] / "nbs"
NOTEBOOKS = sorted(path for path in NBS.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
ROW = re.compile(r"^\|\s*<a id=\"([^\"]*)\"[^>]*></a>(.*)\|$", re.M)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*glossary\.ipynb)(?:#([^)\s]*))?\)")


def markdown(path):
    return "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "markdown")


GLOSSARY = markdown(NBS / "glossary.ipynb")
ROWS = {anchor: [part.strip() for part in rest.split("|")] for anchor, rest in ROW.findall(GLOSSARY)}
# T1.0 has no links to the glossary: its cells are slides as well.
EXPLAINED = [(anchor, home.group(1)) for anchor, row in ROWS.items() if (home := re.search(r"\((t1_foundations/(?!00_)[^)]+)\)", row[-1]))]


def test_every_line_of_the_tables_is_a_row():
    lines = [line for line in GLOSSARY.splitlines() if line.startswith("|") and not line.startswith(("| English", "|---"))]
    assert len(lines) == len(ROWS) > 140, "a row without an anchor, or an anchor that is there twice"


def test_anchors_can_stand_in_a_link():
    assert not [anchor for anchor in ROWS if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", anchor)]
    headings = {line.lstrip("# ").replace(" ", "-").lower() for line in GLOSSARY.splitlines() if line.startswith("#")}
    assert not headings & set(ROWS), "an anchor that is a heading too"


@pytest.mark.parametrize("anchor", ROWS)
def test_three_languages_and_a_meaning(anchor):
    row = ROWS[anchor]
    assert len(row) == 5
    english, chinese, french, meaning, home = row
    assert re.fullmatch(r"\*\*[^*]+\*\*", english) and french
    assert re.search(r"[\u4e00-\u9fff]", chinese), "no Chinese"
    assert len(meaning) > 15 and meaning.endswith("."), "no sentence"
    where = re.fullmatch(r"\[T\d\.\d+\]\(([^)]+)\)", home)
    assert home == "–" or (NBS / where.group(1)).is_file()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(NBS).as_posix())
def test_links_to_the_glossary_arrive(path):
    for target, anchor in LINK.findall(markdown(path)):
        assert (path.parent / target).resolve() == NBS / "glossary.ipynb", target
        assert not anchor or anchor in ROWS, anchor


def test_links_inside_the_glossary_arrive():
    headings = {line.lstrip("# ").replace(" ", "-") for line in GLOSSARY.splitlines() if line.startswith("#")}
    links = re.findall(r"\]\(#([^)]+)\)", GLOSSARY)
    assert len(links) > 10 and not set(links) - headings - set(ROWS)


@pytest.mark.parametrize("anchor, notebook", EXPLAINED)
def test_the_notebook_that_explains_a_word_links_to_it(anchor, notebook):
    assert f"](../glossary.ipynb#{anchor})" in markdown(NBS / notebook)
