"""Turn a notebook into a reveal.js deck in one HTML file that needs no network, and a PDF with the speaker notes.

    python slides/build.py nbs/t1_foundations/00_what_is_ddsp.ipynb --out slides --name what_is_ddsp

reveal.js comes from npm (kept in slides/.reveal) or from a folder given with --reveal. The PDF needs Chromium and Playwright.
"""
import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REVEAL = "reveal.js@5.2.1"
HERE = Path(__file__).resolve().parent
PARTS = ("dist/reveal.css", "dist/theme/white.css", "dist/reveal.js", "plugin/notes/notes.js")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"

CSS = """
.reveal { font-family: "Source Sans Pro", Helvetica, Arial, sans-serif; font-size: 28px; }
.reveal .jp-RenderedHTMLCommon { font-size: 26px; line-height: 1.35; font-family: inherit; }
.reveal h1, .reveal h2 { text-transform: none; font-family: inherit; }
.reveal .jp-RenderedHTMLCommon h1 { font-size: 64px; } .reveal .jp-RenderedHTMLCommon h2 { font-size: 42px; margin: 0 0 10px 0; }
.reveal .jp-RenderedHTMLCommon table { font-size: 24px; margin: 10px 0; } .reveal .jp-RenderedHTMLCommon td { text-align: left; padding: 9px 14px; }
.reveal figure { display: inline-block; } .reveal figcaption { font-size: 18px; } .reveal audio { width: 215px; height: 40px; margin: 2px 0; }
.reveal .jp-RenderedImage img { max-height: 420px; max-width: 930px; margin: 0; } .reveal .jp-OutputArea-child { margin: 0; } :root { --jp-code-font-size: 15px; }
.reveal div.highlight > pre, .reveal div.jp-OutputArea-output > pre { font-size: 15px; margin: 0; padding: 0; line-height: 1.3; }
.reveal .jp-Cell { padding: 2px 0; } .reveal .progress { position: absolute; }
.reveal .speaker-notes-pdf .jp-RenderedHTMLCommon { font-size: 22px; line-height: 1.4; }
@media print { .reveal .slides > :last-child { page-break-after: avoid !important; break-after: avoid !important; } }
"""


def fetch_reveal(folder):
    """The folder with reveal.js's files; npm fetches them when they are not there yet."""
    if all((folder / part).exists() for part in PARTS):
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"slides need {REVEAL}: install npm, or unpack that package and give its folder with --reveal")
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run([npm, "pack", REVEAL], cwd=work, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"npm could not fetch {REVEAL}:\n{done.stderr.strip()}")
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            for part in PARTS + ("LICENSE",):
                (folder / part).parent.mkdir(parents=True, exist_ok=True)
                (folder / part).write_bytes(archive.extractfile(f"package/{part}").read())
    return folder


def inline(html, reveal):
    """nbconvert's slides with reveal.js inside and everything that would come from the network left out."""
    css, theme, engine, notes = ((reveal / part).read_text(encoding="utf-8") for part in PARTS)
    theme = re.sub(r"@import[^;]*;", "", theme)                                 # a web font; the page has its own
    html = re.sub(r"<script\b.*?</script>", "", html, flags=re.S)               # require, jQuery, mermaid, MathJax
    html = re.sub(r"<link\b[^>]*>", "", html)
    options = dict(width=960, height=700, margin=0.02, hash=True, slideNumber="c/t", transition="none", center=True)
    start = f"const print = location.search.includes('print-pdf');" \
            f"Reveal.initialize(Object.assign({json.dumps(options)}, {{plugins: [RevealNotes], showNotes: print ? 'separate-page' : false, pdfSeparateFragments: false}}));"
    scripts = "".join(f"<script>{js.replace('</script', '<' + chr(92) + '/script')}</script>\n" for js in (engine, notes, start))
    html = html.replace("</head>", f"<style>{css}</style><style>{theme}</style><style>{CSS}</style></head>", 1)
    head, end, tail = html.rpartition("</body>")
    return head + scripts + end + tail


def convert(notebook):
    """Slides of an executed notebook as HTML; code of cells tagged hide-input is left out."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.SlidesExporter.exclude_input_prompt = config.SlidesExporter.exclude_output_prompt = True
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
    return SlidesExporter(config=config).from_filename(str(notebook))[0]


def print_pdf(deck, pdf):
    """Print the deck with Chromium, each slide followed by a page with its notes; False where Chromium or Playwright is missing."""
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None or importlib.util.find_spec("playwright") is None:
        return False
    from playwright.sync_api import sync_playwright

    slides = deck.read_text(encoding="utf-8").count('<aside class="notes"')
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS.split())
        page = chromium.new_page()
        page.goto(f"{deck.as_uri()}?print-pdf")
        page.wait_for_function(f"document.querySelectorAll('.pdf-page, .speaker-notes-pdf').length >= {2 * slides}")     # reveal.js has laid out the pages
        page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
        chromium.close()
    return True


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the deck")
    parser.add_argument("--name", help="name of the deck, default that of the notebook")
    parser.add_argument("--reveal", type=Path, default=HERE / ".reveal", help="folder of an unpacked reveal.js 5")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    deck = (args.out / (args.name or args.notebook.stem)).with_suffix(".html").resolve()
    deck.write_text(inline(convert(args.notebook), fetch_reveal(args.reveal)), encoding="utf-8")
    print(f"{deck}: {deck.stat().st_size / 1e6:.1f} MB; S opens the speaker notes")
    pdf = deck.with_suffix(".pdf")
    if print_pdf(deck, pdf):
        print(f"{pdf}: each slide, then its notes")
    else:
        print(f"no PDF: Chromium and Playwright are needed; open {deck.name}?print-pdf in a browser and print it", file=sys.stderr)


if __name__ == "__main__":
    main()
