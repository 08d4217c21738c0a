"""The page of an evaluation in a real browser: every player loads its sound, every picture shows, nothing comes from elsewhere."""
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
import torch
from driver import FLAGS, PATIENCE_S, chromium
from playwright.sync_api import sync_playwright

from ddsp_course import evaluation_page, model

SECONDS = 1.5


@pytest.fixture(scope="module")
def page_file(tone_dataset, tmp_path_factory):
    torch.manual_seed(0)
    net = model.DDSP(model.configure(tone_dataset, n_harmonics=12, hidden=24)).eval()
    path = tmp_path_factory.mktemp("page") / "evaluation.html"
    log = [{"step": i, "loss": 3.0 / i, "harmonic_db": -20.0, "noise_db": -40.0} for i in range(1, 5)]
    evaluation_page.write_page(path, "a run", net, tone_dataset, evaluation_page.full_report(net, tone_dataset), log, count=2, seconds=SECONDS)
    return path


def test_the_page_is_complete_and_asks_for_nothing(page_file):
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    requests, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(page_file.as_uri())
        assert page.get_by_role("heading", level=1).inner_text() == "Evaluation of a run"
        page.wait_for_function("() => [...document.querySelectorAll('audio')].every(a => a.readyState >= 1 || a.error)")
        lengths = page.evaluate("() => [...document.querySelectorAll('audio')].map(a => a.error ? -1 : a.duration)")
        widths = page.evaluate("() => [...document.images].map(i => i.complete ? i.naturalWidth : 0)")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        headings = page.get_by_role("heading", level=2).all_inner_texts()
        browser.close()
    assert len(lengths) == 12 and all(SECONDS - 0.05 < s < SECONDS + 0.2 for s in lengths)
    assert len(widths) == 6 and min(widths) > 300 and width <= 1200
    assert headings == ["Measures", "Recordings", "Listen", "Training", "About"]
    assert requests and not [url for url in requests if not url.startswith(("file:", "data:"))] and not errors
