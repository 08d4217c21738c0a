"""Curves drawn with the mouse in JupyterLab: what is drawn arrives in Python, is shown and sounds; lifting the hand makes a rest."""
import importlib.util
import json

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
from driver import FLAGS, PATIENCE_S, Lab, Server, chromium
from playwright.sync_api import expect, sync_playwright

expect.set_options(timeout=1000 * PATIENCE_S)
NOTEBOOK, PAD, RESULT = "t3_generation/03_drawn_profiles.ipynb", "pad = draw_profile(sketch", "pad.profile.name"
SHOW_POINTS = "import json\nprint(json.dumps(pad.points))"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    if importlib.util.find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed: pip install 'ddsp_course[lab]'")
    server = Server(tmp_path_factory.mktemp("lab"))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            lab = Lab(server, browser.new_page(viewport={"width": 1280, "height": 1000}))
            with lab.evidence():
                lab.open_course_map()
                lab.open_notebook(NOTEBOOK)
                cells = lab.run_all()
                assert not [error for cell in cells for error in cell["errors"]]
            yield lab
            browser.close()
    finally:
        server.stop()


def drag(canvas, page, points):
    "Press, move through the points (shares of the canvas), let go."
    box = canvas.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def points_in_python(lab):
    "The strokes that the last press of the button handed to Python."
    if any(RESULT in cell["source"] for cell in lab.state()["cells"]):
        lab.run_cell(RESULT, SHOW_POINTS)                       # the first time: in place of the notebook's own cell
    else:
        lab.run_cell("json.dumps(pad.points)")
    return json.loads(lab.cell("json.dumps(pad.points)").locator(".jp-OutputArea-output").inner_text())


def test_a_drawing_is_heard_and_lifting_makes_a_rest(lab):
    with lab.evidence():
        cell = lab.cell(PAD)
        canvas, button = cell.locator("canvas"), cell.get_by_role("button", name="Use the drawing")
        picture, sound = cell.locator(".jp-OutputArea img"), cell.locator("audio")
        expect(picture).to_have_count(1)
        before = picture.get_attribute("src"), sound.get_attribute("src")
        cell.get_by_role("button", name="clear all").click()
        drag(canvas, lab.page, [(0.1, 0.5), (0.3, 0.2)])                    # up
        drag(canvas, lab.page, [(0.5, 0.2), (0.8, 0.5)])                    # after a gap, down
        drag(canvas, lab.page, [(0.1, 0.9), (0.9, 0.7)])                    # louder and louder
        button.click()
        expect(picture).not_to_have_attribute("src", before[0])
        expect(sound).not_to_have_attribute("src", before[1])
        assert sound.evaluate("a => new Promise(r => a.readyState ? r(a.duration) : a.onloadedmetadata = () => r(a.duration))") == pytest.approx(4, abs=0.2)
        drawn = points_in_python(lab)
        (up, down), (loudness,) = drawn["pitch"], drawn["loudness"]
        assert up[0][1] < up[-1][1] - 3 and down[0][1] > down[-1][1] + 3 and loudness[0][1] < loudness[-1][1] - 10
        assert up[0][0] == pytest.approx(4 * (0.1 * 800 - 46) / 749, abs=0.05) and down[0][0] - up[-1][0] == pytest.approx(4 * 0.2 * 800 / 749, abs=0.05)


def test_drawing_again_replaces_and_the_eraser_erases(lab):
    with lab.evidence():
        cell = lab.cell(PAD)
        canvas, button, sound = cell.locator("canvas"), cell.get_by_role("button", name="Use the drawing"), cell.locator("audio")
        cell.get_by_role("button", name="clear all").click()
        drag(canvas, lab.page, [(0.2, 0.1), (0.8, 0.1)])
        drag(canvas, lab.page, [(0.7, 0.5), (0.4, 0.5)])                    # right to left, over the first
        cell.get_by_label("erase").check()
        drag(canvas, lab.page, [(0.3, 0.1), (0.35, 0.1)])
        before = sound.get_attribute("src")
        button.click()
        expect(sound).not_to_have_attribute("src", before)
        drawn = points_in_python(lab)
        assert len(drawn["pitch"]) == 2 and not drawn["loudness"]
        first, second = drawn["pitch"]
        assert len({v for _, v in first}) == 1 and len({v for _, v in second}) >= 2 and max(t for t, _ in first) < min(t for t, _ in second)


def test_an_empty_pad_says_so(lab):
    with lab.evidence():
        cell = lab.cell(PAD)
        cell.get_by_role("button", name="clear all").click()
        cell.get_by_role("button", name="Use the drawing").click()
        expect(cell.locator(".jp-OutputArea-output").last).to_contain_text("nothing is drawn")


def test_nothing_is_fetched_from_elsewhere(lab):
    assert not lab.foreign
