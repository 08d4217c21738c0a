"""A listening test in a real browser: rate, one sound at a time, save the ratings, read them back."""
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
import torch
from driver import FLAGS, PATIENCE_S, chromium
from playwright.sync_api import expect, sync_playwright

from ddsp_course.listening import conditions, order, read_results, write_page

expect.set_options(timeout=1000 * PATIENCE_S)
SR, SEED = 16000, 6
LISTENERS = ('Ada "the ear"', "Bela, </script> 2nd")
SOUND = {name: 0.1 * torch.randn(SR * 5, generator=torch.Generator().manual_seed(i)) for i, name in enumerate(("reference", "ours", "theirs"))}
TRIALS = {"violin": SOUND, "flute": {name: -x.flip(0) for name, x in SOUND.items()}}


def score(trial, condition):
    return {"violin": 3, "flute": 50}[trial] + 11 * conditions(TRIALS).index(condition)


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    "Opens the page of a listener; in the end: no request to elsewhere, no error on the page."
    requests, errors, pages = [], [], []

    def open_page(listener):
        page = browser.new_page(accept_downloads=True)
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        pages.append(page)
        page.goto(write_page(TRIALS, SR, tmp_path / f"{len(pages)}.html", listener, SEED).as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert requests and not [url for url in requests if not url.startswith(("file:", "data:"))] and not errors


def rate(page, codes, trial):
    "Move every slider of a trial; Next stays asleep until the last one."
    following = page.get_by_role("button", name="Next")
    for player, condition in codes.items():
        expect(following).to_be_disabled()
        page.locator(f"[id='{player}']").fill(str(score(trial, condition)))
    expect(following).to_be_enabled()
    following.click()


def test_ratings_travel_from_the_page_to_the_analysis(opened, tmp_path):
    saved = []
    for i, listener in enumerate(LISTENERS):
        page = opened(listener)
        for number, (trial, codes) in enumerate(order(TRIALS, listener, SEED).items(), 1):
            expect(page.get_by_role("heading")).to_have_text(f"Trial {number} of 2")
            assert page.get_by_role("slider").evaluate_all("all => all.map(e => e.id)") == list(codes)
            rate(page, codes, trial)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the ratings").click()
        assert download.value.suggested_filename == ("ratings_Ada_the_ear_.csv", "ratings_Bela_script_2nd.csv")[i]
        saved.append(tmp_path / f"{i}.csv")
        download.value.save_as(saved[-1])
        shown = page.get_by_role("textbox", name="Ratings").input_value()
        assert shown.splitlines() == saved[-1].read_text(encoding="utf-8").splitlines() and len(shown.splitlines()) == 9
    results = read_results(saved, TRIALS, SEED)
    assert not results.problems
    assert set(map(tuple, results.ratings)) == {(who, t, c, float(score(t, c))) for who in LISTENERS for t in TRIALS for c in conditions(TRIALS)}


def test_two_listeners_have_different_orders(opened):
    ids = [opened(listener).get_by_role("slider").evaluate_all("all => all.map(e => e.id)") for listener in LISTENERS]
    assert not set(ids[0]) & set(ids[1])
    plans = [order(TRIALS, listener, SEED) for listener in LISTENERS]
    assert [[*plan, *(tuple(codes.values()) for codes in plan.values())] for plan in plans][0] != [[*plan, *(tuple(codes.values()) for codes in plan.values())] for plan in plans][1]


def test_one_sound_at_a_time(opened):
    page = opened("Chen")
    playing = page.locator("button.playing")
    page.get_by_role("button", name="Reference").click()
    page.wait_for_function("() => player.currentTime > 0 && !player.paused")
    assert 4.9 < page.evaluate("player.duration") < 5.3
    first = page.evaluate("player.src")
    page.get_by_role("button", name="Sound B").click()
    expect(playing).to_have_text("Sound B")
    page.wait_for_function("first => player.src !== first && player.currentTime > 0 && !player.paused", arg=first)
    page.get_by_role("button", name="Sound B").click()
    expect(playing).to_have_count(0)
    assert page.evaluate("player.paused") and page.locator("audio").count() == 0


def test_a_slider_can_be_moved_with_keys(opened):
    page = opened("Chen")
    slider = page.get_by_role("slider", name="Rating of sound a")
    slider.press("ArrowRight")
    expect(page.locator("output").first).to_have_text("51")
    expect(page.locator(".ranges").first).to_have_text("badpoorfairgoodexcellent")
