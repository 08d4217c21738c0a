"""Shared fixtures: small recordings made by the course's own synthesizer, and a data set of them."""
import os
from pathlib import Path

import pytest
import soundfile
import torch
from tones import make_tone

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tone_folder(tmp_path_factory):
    "Two 'instruments' with four short recordings each."
    folder = tmp_path_factory.mktemp("tones")
    for group, base in (("low", 220.0), ("high", 330.0)):
        (folder / group).mkdir()
        for i in range(4):
            soundfile.write(folder / group / f"{group}_{i}.wav", make_tone(base * 2 ** (i / 12), 3.0, seed=i).numpy(), 16000)
    return folder


@pytest.fixture(scope="session")
def tone_dataset(tone_folder, tmp_path_factory):
    "The tones as a data set at 100 frames a second."
    from ddsp_course import data

    return data.prepare([tone_folder], tmp_path_factory.mktemp("dataset") / "d", frame_rate=100, held_out="*_3.wav", workers=1, progress=False)


@pytest.fixture(scope="session")
def real_audio():
    "Folder of real recordings for tests, or a skip that says why."
    folder = Path(os.environ.get("DDSP_COURSE_AUDIO", Path(__file__).resolve().parents[2] / "shared" / "audio"))
    if not folder.is_dir():
        pytest.skip("no real recordings: set DDSP_COURSE_AUDIO to a folder that has them")
    return folder


@pytest.fixture(scope="session")
def quality_folder():
    "Folder with reference pairs and values of PEAQ and PEMO-Q (`peaq`, `pemoq`), or a skip that says why."
    folder = Path(os.environ.get("DDSP_COURSE_QUALITY", Path(__file__).resolve().parents[2] / "shared" / "quality"))
    if not folder.is_dir():
        pytest.skip("no reference pairs: set DDSP_COURSE_QUALITY to a folder that has them")
    return folder
