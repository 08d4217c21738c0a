"""The instrument in a real browser: its decoder against PyTorch's, its keys, its pad, its sound."""
import json
import time

import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install 'ddsp_course[dev]'")
import torch
from driver import FLAGS, PATIENCE_S, chromium
from playwright.sync_api import sync_playwright

from ddsp_course.harmonic import harmonic_synth
from ddsp_course.instruments import load_instruments
from ddsp_course.model import load
from ddsp_course.noise import filtered_noise
from ddsp_course.pitch import cents, estimate_f0
from ddsp_course.playable import pad_point, plane, write_page
from ddsp_course.prior import LatentPrior
from ddsp_course.profiles import named
from ddsp_course.runs import find_run


def wait(page, condition):
    "Until a JavaScript expression is true (the page's own rules forbid Playwright's way of waiting)."
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(condition):
        assert time.monotonic() < end, condition
        page.wait_for_timeout(20)


@pytest.fixture(scope="module")
def run():
    folder = find_run("quartet")
    return load(folder), LatentPrior.load(folder / "prior.safetensors"), load_instruments(folder)


@pytest.fixture(scope="module")
def page(run, tmp_path_factory):
    "The opened page; in the end: no request to elsewhere, no error."
    if chromium() is None:
        pytest.skip("no Chromium or Chrome on the PATH")
    net, prior, instruments = run
    path = write_page(net, prior, named("ode_to_joy", 100, loudness_db=-27), tmp_path_factory.mktemp("page") / "instrument.html", instruments)
    requests, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"])
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        page.set_default_timeout(1000 * PATIENCE_S)
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        yield page
        browser.close()
    assert requests and not [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] and not errors


def curves():
    time = torch.arange(200) / 100
    return 330 * 2 ** (torch.sin(6 * time) / 6), -30 + 8 * torch.cos(3 * time)


def test_decoder_equals_pytorch(page, run):
    net, prior, _ = run
    f0_hz, loudness_db = curves()
    z = prior.sample(1, seed=5)
    with torch.no_grad():
        wanted = net.decoder(f0_hz[None], loudness_db[None], z)
    found = page.evaluate(f"instrument.render({f0_hz.tolist()}, {loudness_db.tolist()}, {z[0].tolist()})")
    amplitudes, noise = (torch.tensor(found[name]) for name in ("amplitudes", "noise"))
    assert wanted.amplitudes.max() > 0.01
    assert torch.allclose(amplitudes, wanted.amplitudes[0], atol=1e-5) and torch.allclose(noise, wanted.noise_magnitudes[0], atol=1e-5)


def test_sines_equal_pytorch(page, run):
    net, prior, _ = run
    f0_hz, loudness_db = curves()
    z = prior.sample(1, seed=5)
    found = page.evaluate(f"instrument.render({f0_hz.tolist()}, {loudness_db.tolist()}, {z[0].tolist()})")
    wanted = harmonic_synth(f0_hz[None], torch.tensor(found["amplitudes"])[None], 16000, 160)[0, :-160]
    assert (torch.tensor(found["sound"]) - wanted).abs().max() < 1e-3 * wanted.abs().max()


def test_a_key_sounds_at_its_pitch_and_ends(page):
    press, hold, release = [{"on": True, "f0": 440.0, "loudness": -25, "vibrato": 0}], [{}] * 99, [{"on": False}]
    sound = torch.tensor(page.evaluate(f"instrument.play({json.dumps([{}] * 20 + press + hold + release + [{}] * 49)})"))
    note = sound[4800:18000]
    assert not sound[:3000].any() and 0.01 < note.square().mean().sqrt() and sound.abs().max() < 1
    assert sound[-3200:].abs().max() < 1e-3 * note.abs().max()
    f0_hz = estimate_f0(note, 16000, 100, "pyin").f0_hz
    assert (cents(f0_hz[20:60], torch.tensor(440.0)).abs() < 10).all()


def spectrum(noise):
    return torch.stft(noise, 128, 64, window=torch.hann_window(128), return_complex=True).abs().square().mean(1)


def test_noise_is_filtered_like_pytorch(page):
    found = page.evaluate("""() => { const {Synth} = audioCode(), synth = new Synth(M), hush = new Float32Array(M.weights['distribution.bias'].length), sound = [];
        const noise = Float32Array.from({length: M.bands}, (_, k) => 0.02 + 0.3 * Math.exp(-(((k - 20) / 6) ** 2)));
        for (let i = 0; i < 400; i++) sound.push(...synth.render({f0: 440, amplitudes: hush, noise}));
        return {sound, magnitudes: [...noise]}; }""")
    wanted = filtered_noise(torch.tensor(found["magnitudes"]).expand(1, 400, -1).contiguous(), 160, torch.Generator().manual_seed(0))[0]
    difference = 10 * torch.log10(spectrum(torch.tensor(found["sound"])) / spectrum(wanted))
    assert difference.abs().max() < 1.5                      # dB in each band, the scatter of two noises


def test_pad_equals_python(page, run):
    prior = run[1]
    mean, axes = plane(prior)
    at = (0.3, -0.2)
    assert torch.allclose(torch.tensor(page.evaluate("instrument.zAt(0.3, -0.2)")), pad_point(prior, *at), atol=1e-5)
    draws = torch.tensor(page.evaluate("Array.from({length: 4000}, () => instrument.draw().z)"))
    wanted = prior.sample(4000, seed=0)
    assert (draws.mean(0) - wanted.mean(0)).abs().max() < 0.1 * wanted.std(0).max()
    assert (torch.cov(draws.T) - torch.cov(wanted.T)).abs().max() < 0.1 * wanted.var(0).max()


def test_played_with_mouse_and_keys(page):
    page.get_by_role("button", name="Switch on").click()
    wait(page, "instrument.audio.context && instrument.audio.context.state === 'running'")
    level = "() => { const v = new Float32Array(2048); instrument.audio.meter.getFloatTimeDomainData(v); return Math.max(...v.map(Math.abs)) }"
    page.keyboard.down("a")
    wait(page, f"({level})() > 0.005")
    assert "261.6 Hz (C4)" in page.locator("#say").inner_text()
    page.keyboard.up("a")
    wait(page, f"({level})() < 0.001")
    field = page.locator("#field").bounding_box()
    page.mouse.move(field["x"] + 0.5 * field["width"], field["y"] + 0.3 * field["height"])
    page.mouse.down()
    wait(page, f"({level})() > 0.005")
    page.mouse.up()
    wait(page, f"({level})() < 0.001")
    before = page.evaluate("zNow")
    page.locator("#pad").click(position={"x": 40, "y": 40})
    assert page.evaluate("zNow") != before
    page.get_by_role("button", name="Play the melody").click()
    wait(page, f"({level})() > 0.005")
    page.get_by_role("button", name="Draw a new timbre").click()
    assert "draw from the component" in page.locator("#say").inner_text()
