"""The course in a real browser: the map, a lesson from top to bottom, an exercise, a question, an explorer, and the glossary."""
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
from driver import FLAGS, PATIENCE_S, Lab, chromium
from playwright.sync_api import expect, sync_playwright

expect.set_options(timeout=1000 * PATIENCE_S)
LESSON = "t1_foundations/03_windows.ipynb"
EXPLORER = "t1_foundations/02_sampling.ipynb"   # a notebook with a slider that moves a picture and a sound ...
EXPLORER_CELL = "explore(sampled_tone,"         # ... and what only that cell contains
WRONG = "# exercise: hann\ndef my_hann(n):\n    return torch.hann_window(n, periodic=False)"
RIGHT = "# exercise: hann\ndef my_hann(n):\n    return 0.5 - 0.5 * torch.cos(2 * math.pi * torch.arange(n) / n)"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(server, browser):
    "JupyterLab as `ddsp-course lab` opens it: the course map is in front."
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    lab = Lab(server, page)
    with lab.evidence():
        lab.open_course_map()
    yield lab
    page.close()


@pytest.fixture(scope="module")
def lesson(lab):
    "The lesson, reached by its link in the course map and run from top to bottom."
    with lab.evidence():
        lab.cell("## T1 Foundations").get_by_role("link", name="Windows", exact=True).click()
        lab.wait_for_notebook(LESSON)
        lab.cells = lab.run_all()
    return lab


def test_the_lesson_runs_from_top_to_bottom(lesson):
    with lesson.evidence():
        assert not [error for cell in lesson.cells for error in cell["errors"]]
        assert len(lesson.cells) > 20 and all(cell["count"] for cell in lesson.cells if cell["source"].strip())


def test_a_wrong_answer_gets_a_hint_and_a_right_one_passes(lesson):
    with lesson.evidence():
        for answer, word, reason in ((WRONG, "not yet", "symmetric Hann window"), (RIGHT, "passed", "Right")):
            lesson.run_cell("# exercise: hann", answer)
            lesson.run_cell("# check: hann")
            verdict = lesson.cell("# check: hann").locator(".jp-OutputArea-output")
            expect(verdict).to_contain_text(f"hann {word}")
            expect(verdict).to_contain_text(reason)


def test_the_solution_is_folded_away(lesson):
    with lesson.evidence():
        solution = lesson.cell("# solution: hann")
        expect(solution.locator(".jp-Placeholder")).to_be_visible()
        expect(solution.locator(".cm-content")).not_to_be_visible()


def test_a_question_is_answered_with_its_buttons(lesson):
    with lesson.evidence():
        question = lesson.cell("quiz(QUIZZES['zero_padding'])")
        for option, word in (("Two peaks, at 440 and 450 Hz", "quiz not yet"), ("The same curve, drawn with more points", "quiz passed")):
            question.get_by_label(option, exact=True).check()
            question.get_by_role("button", name="Check", exact=True).click()
            expect(question.locator(".jp-OutputArea-output")).to_contain_text(word)


def test_a_slider_moves_picture_and_sound(lab):
    with lab.evidence():
        lab.open_notebook(EXPLORER)
        errors = [error for cell in lab.run_all() for error in cell["errors"]]
        assert not errors
        explorer = lab.cell(EXPLORER_CELL)
        picture, sound = explorer.locator(".jp-OutputArea img").last, explorer.locator("audio").last
        before = picture.get_attribute("src"), sound.get_attribute("src")
        explorer.locator(".noUi-handle").first.press("ArrowRight")
        expect(picture).not_to_have_attribute("src", before[0])
        expect(sound).not_to_have_attribute("src", before[1])
        assert sound.evaluate("a => new Promise(r => a.readyState ? r(a.duration) : a.onloadedmetadata = () => r(a.duration))") > 0.1


def test_a_link_leads_to_a_word_of_the_glossary(lab):
    with lab.evidence():
        lab.open_notebook("glossary.ipynb")
        word = lab.page.get_by_text("random draw", exact=False).first
        expect(word).not_to_be_in_viewport()
        lab.cell("## Sampling and levels").get_by_role("link", name="below", exact=True).click()
        expect(word).to_be_in_viewport()


def test_nothing_is_fetched_from_elsewhere(lesson):
    assert not lesson.foreign
