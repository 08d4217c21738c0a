"""The presentation: slides and speaker notes in the notebook, and a deck that needs no network."""
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "nbs" / "t1_foundations" / "00_what_is_ddsp.ipynb"
KINDS = {"slide", "subslide", "fragment", "notes", "skip", "-"}


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("slides_build", ROOT / "slides" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kind(cell):
    return cell["metadata"].get("slideshow", {}).get("slide_type")


def slides(cells):
    "Cells of each slide, in order."
    groups = []
    for cell in cells:
        if kind(cell) == "slide":
            groups.append([])
        if groups:
            groups[-1].append(cell)
    return groups


def test_every_cell_says_what_it_is_in_the_deck(cells):
    assert {kind(cell) for cell in cells} <= KINDS
    assert next(kind(cell) for cell in cells if kind(cell) != "skip") == "slide"


def test_enough_slides_each_with_a_heading_and_notes(cells):
    groups = slides(cells)
    assert 12 <= len(groups) <= 16
    for group in groups:
        assert re.match(r"#{1,2} \S", "".join(group[0]["source"])), "a slide starts with its heading"
        notes = ["".join(cell["source"]) for cell in group if kind(cell) == "notes"]
        assert len(notes) == 1 and re.search(r"\bAsk\b", notes[0]) and "Expect:" in notes[0]


def test_no_formula_on_a_slide(cells):
    "The deck carries no MathJax; formulas belong to the cells that only the notebook shows."
    shown = [cell for cell in cells if cell["cell_type"] == "markdown" and kind(cell) != "skip"]
    assert not [cell["id"] for cell in shown if "$" in "".join(cell["source"])]


def test_slides_are_short(cells):
    for cell in cells:
        if kind(cell) == "slide":
            assert len("".join(cell["source"]).split()) < 110


def test_exercises_and_explorers_stay_out_of_the_deck(cells, build):
    "They are for the reader at the keyboard: marked skip, and nothing of them is in the page."
    texts = {cell["id"]: "".join(cell["source"]) for cell in cells}
    for_the_reader = [cell for cell in cells if any(tag.startswith("exercise-") for tag in cell["metadata"].get("tags", []))
                      or re.match(r"quiz\(|explore\(|.*\nexplore\(", texts[cell["id"]], flags=re.S) or "**Questions.**" in texts[cell["id"]]]
    assert len(for_the_reader) >= 4 * 3 + 3 + 1
    assert {kind(cell) for cell in for_the_reader} == {"skip"}
    page = build.convert(NOTEBOOK)
    assert "micro-DDSP" in page and not re.search("# exercise:|# solution:|### BEGIN|not yet|To explore|replace the", page)


def test_cleaning_keeps_the_slides(cells):
    "nbdev_clean strips cell metadata that settings.ini does not name."
    assert re.search(r"^allowed_cell_metadata_keys *=.*\bslideshow\b.*\btags\b|^allowed_cell_metadata_keys *=.*\btags\b.*\bslideshow\b",
                     (ROOT / "settings.ini").read_text(encoding="utf-8"), flags=re.M)


def test_missing_npm_is_named(build, tmp_path, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="npm"):
        build.fetch_reveal(tmp_path / "none")


def test_no_pdf_without_chromium(build, tmp_path, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    assert build.print_pdf(tmp_path / "deck.html", tmp_path / "deck.pdf") is False


def test_pdf_waits_for_the_layout(build, tmp_path):
    "Pages that a script makes half a second later, as reveal.js does, are printed."
    pytest.importorskip("playwright", reason="playwright is not installed")
    if not any(map(shutil.which, build.CHROMIUM)):
        pytest.skip("no Chromium or Chrome on the PATH")
    deck = tmp_path / "deck.html"
    deck.write_text('<aside class="notes"></aside><aside class="notes"></aside><script>setTimeout(() => {'
                    'for (const name of ["pdf-page", "speaker-notes-pdf", "pdf-page", "speaker-notes-pdf"])'
                    'document.body.insertAdjacentHTML("beforeend", `<div class="${name}" style="break-after:page">page</div>`)}, 500)</script>', encoding="utf-8")
    assert build.print_pdf(deck, tmp_path / "deck.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "deck.pdf").read_bytes())) >= 4


def test_inline_drops_every_reference_to_the_network(build, tmp_path):
    for part in build.PARTS:
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / part).write_text("@import url(//there/font.css);" if "theme" in part else "kept" if part.endswith("css") else "'</script>'", encoding="utf-8")
    page = '<head><script src="https://there/a.js"></script><link href="https://there/b.css"></head><body>kept</body><script>require()</script>'
    deck = build.inline(page, tmp_path)
    assert "there" not in deck and "require()" not in deck and "kept" in deck and "showNotes" in deck
    assert deck.count("</script>") == deck.count("<script>") == 3


def test_built_deck_is_offline(build, tmp_path):
    reveal = ROOT / "slides" / ".reveal"
    if not all((reveal / part).exists() for part in build.PARTS):
        if shutil.which("npm") is None or not os.environ.get("DDSP_COURSE_NPM"):
            pytest.skip("reveal.js is not there: run `make slides` once, or set DDSP_COURSE_NPM=1 to let this test fetch it with npm")
        build.fetch_reveal(reveal)
    deck = build.inline(build.convert(NOTEBOOK), reveal)
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", deck, flags=re.S)
    outside = [url for url in re.findall(r"""(?:src|href|action|poster)\s*=\s*["']([^"']*)""", markup) if not url.startswith(("data:", "#"))]
    assert not outside
    assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", "".join(re.findall(r"<style\b.*?</style>", deck, flags=re.S)))
    assert deck.count("<aside class=\"notes\"") >= 12 and markup.count("<audio") >= 10
