"""The Record button in a real browser, with Chromium's beeping fake microphone: the sound arrives in Python."""
import io
import sys
import types

import numpy as np
import pytest
import soundfile

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
from driver import FLAGS, PATIENCE_S, Lab, chromium
from playwright.sync_api import expect, sync_playwright

from ddsp_course.recorder import record

expect.set_options(timeout=1000 * PATIENCE_S)
NOTEBOOK = "t2_synthesis/01_own_recording.ipynb"
BUFFER = io.BytesIO()
soundfile.write(BUFFER, 0.3 * np.sin(0.2 * np.arange(32000)), 16000, format="WAV")
RECORD = "takes = record("
LATEST = "take = uploaded.latest()"
LOOK = """from pathlib import Path
take = takes.latest()
rms = take.audio.square().mean().sqrt().item()
assert abs(len(take.audio) / take.sr - 1) < 1e-3, (len(take.audio), take.sr)
assert rms > 1e-3 and take.path == Path(my_folder) / NAME and len(takes.takes) == COUNT, (rms, take.path, takes)
print("sound arrived:", take.path.name)"""


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, "--use-fake-device-for-media-stream"])
        yield browser
        browser.close()


@pytest.fixture
def opened(server, browser):
    "The notebook in a new window, its imports done; `allowed` grants the microphone."
    contexts = []

    def open_notebook(allowed):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"] if allowed else []))
        lab = Lab(server, contexts[-1].new_page())
        with lab.evidence():
            lab.open_course_map()
            lab.open_notebook(NOTEBOOK)
            for cell in lab.run_all():
                assert not cell["errors"]
        return lab

    yield open_notebook
    for context in contexts:
        context.close()


def written(path, content):
    path.write_bytes(content)
    return path


def press_record(lab, source):
    lab.run_cell(RECORD, source)
    lab.cell(RECORD).get_by_role("button", name="Record 1 s", exact=True).click()


def test_a_second_of_sound_arrives_in_python(opened):
    lab = opened(allowed=True)
    with lab.evidence():
        press_record(lab, "takes = record(1, my_folder, name='beep')\ntakes")
        output = lab.cell(RECORD).locator(".jp-OutputArea").first
        expect(output).to_contain_text("beep.wav: 1.0 s at")
        expect(output.locator("audio")).to_have_count(1)
        lab.run_cell(LATEST, LOOK.replace("NAME", "'beep.wav'").replace("COUNT", "1"))
        expect(lab.cell("sound arrived").locator(".jp-OutputArea-output").first).to_contain_text("sound arrived: beep.wav")
        lab.cell(RECORD).get_by_role("button", name="Record 1 s", exact=True).click()
        expect(output).to_contain_text("beep_2.wav: 1.0 s at")
    assert not lab.foreign


def test_a_forbidden_microphone_is_explained_and_the_notebook_goes_on(opened):
    lab = opened(allowed=False)
    with lab.evidence():
        press_record(lab, "takes = record(1, my_folder)\ntakes")
        expect(lab.cell(RECORD).locator(".jp-OutputArea").first).to_contain_text("the microphone is not allowed")
        lab.run_cell(LATEST, "take = takes.latest()\nprint(len(takes.takes), take.path.name)")
        expect(lab.cell("take = takes.latest()\nprint").locator(".jp-OutputArea-output").first).to_contain_text("0 violin")


def test_a_file_is_uploaded_and_a_letter_is_refused(opened, tmp_path):
    lab = opened(allowed=False)
    with lab.evidence():
        lab.run_cell("uploaded = upload(", "uploaded = upload(my_folder)\nuploaded")
        for path, words in ((written(tmp_path / 'flute.wav', BUFFER.getvalue()), "flute.wav: 2.0 s at 16000 Hz"), (written(tmp_path / 'letter.wav', b'Dear Sir or Madam'), "letter.wav: not an audio file, whatever its name says")):
            with lab.page.expect_file_chooser() as chooser:
                lab.cell("uploaded = upload(").get_by_role("button", name="Choose files").click()
            chooser.value.set_files(path)
            expect(lab.cell("uploaded = upload(").locator(".jp-OutputArea").first).to_contain_text(words)


def test_what_colab_runs_records_as_well(browser, monkeypatch, tmp_path):
    "Colab hands our JavaScript to the page and waits; here Playwright does."
    context = browser.new_context(permissions=["microphone"])
    page = context.new_page()
    page.route("http://localhost/", lambda route: route.fulfill(body="a page", content_type="text/html"))
    page.goto("http://localhost/")
    colab = types.ModuleType("google.colab")
    colab.output = types.SimpleNamespace(eval_js=page.evaluate)
    google = types.ModuleType("google")
    google.colab = colab
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    take = record(0.7, tmp_path).latest()
    assert take.path == tmp_path / "take.wav" and abs(len(take.audio) / take.sr - 0.7) < 1e-3 and take.audio.abs().max() > 0.01
    context.close()
