"""The page about priors in a real browser: table, plots, players; no request to elsewhere, no error."""
from types import SimpleNamespace

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
import torch
from driver import FLAGS, PATIENCE_S, chromium
from playwright.sync_api import expect, sync_playwright

from ddsp_course.generation_metrics import Piece
from ddsp_course.prior_evaluation import MEASURES
from ddsp_course.prior_page import COLUMNS, write_pages
from ddsp_course.profiles import from_notes

expect.set_options(timeout=1000 * PATIENCE_S)
PROFILE = from_notes([(69, 4)], tempo=60, frame_rate=100)
SYSTEMS = ["real", "own z", "clips", "frames", "mean z"]


def noise(seed):
    return 0.1 * torch.randn(64000, generator=torch.Generator().manual_seed(seed))


def result():
    table = {name: {**{key: {"mean": 0.5 + i / 10, "ci95": [0.4, 0.9 + i]} for key in MEASURES}, "shares": {"flute": 0.25, "violin": 0.75}} for i, name in enumerate(SYSTEMS)}
    table["real"]["use_of_z"] = {"mean": None, "ci95": None}
    best = {"kind": "clips", "passes": {"clips": True, "frames": False}, "second": None, "margin": None, "margin95": None, "clear": True}
    rows = [{"temperature": t, "z_distance": t, "raw_pitch_accuracy": 1.0, "loudness_l1_db": 0.3} for t in (0.0, 1.0)]
    wanted = [{"target": "jitter / real", "value": 0.9, "wanted": "<= 1", "reached": True}, {"target": "components", "value": 9, "wanted": "from 3 to 6", "reached": False}]
    return {"table": table, "kinds": ["clips", "frames"], "groups": ["flute", "violin"], "best": best, "targets": {"clips": wanted, "frames": wanted},
            "temperature": {"kind": "clips", "rows": rows, "rank_correlation_raw_pitch_accuracy": 0.0, "rank_correlation_loudness_l1_db": 0.1}}


def bench():
    pieces = [Piece(f"{group} 0", group, noise(i), PROFILE, torch.zeros(2)) for i, group in enumerate(("flute", "violin"))]
    return SimpleNamespace(sr=16000, seed=0, melodies=[PROFILE], pieces=pieces, train={"flute_1": noise(7)},
                           play=lambda prior, profile, seed=0: noise(seed), nearest=lambda audio: ("flute_1", 0, 0.5))


def test_the_page_shows_everything_and_asks_for_nothing(tmp_path):
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    path = write_pages(result(), bench(), tmp_path)[1]
    requests, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        expect(page.get_by_role("heading", level=1)).to_have_text("Priors of z")
        table = page.locator("table").nth(1)
        shown = [page.locator("table").nth(i).locator("th").all_text_contents() for i in (1, 2)]
        assert shown[0][-2:] == ["flute", "violin"] and [name for row in shown for name in row[1:] if name not in ("flute", "violin")] == list(COLUMNS.values())
        assert [row.split()[0] for row in table.locator("tbody tr").all_inner_texts()] == ["clips", "frames", "real", "own", "mean"]
        assert page.locator("td.ok").count() == page.locator("td.miss").count() == 1
        assert page.locator("audio").count() == 6
        page.wait_for_function("Array.from(document.querySelectorAll('audio')).every(a => a.duration > 3.9)", timeout=1000 * PATIENCE_S)
        assert page.evaluate("Array.from(document.images).map(i => i.naturalWidth > 300)") == [True, True]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        browser.close()
    assert requests and not [url for url in requests if not url.startswith(("file:", "data:"))] and not errors
