# make demo   the whole course in one run: recordings to a new sound (report in demo/report.html)
# make test   every notebook and every test
# make lab    JupyterLab on the course map
# make models the trained runs that ship with the course (data/runs), about 10 minutes
# make slides the first lesson as a presentation: slides/what_is_ddsp.html (works offline) and .pdf
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# tests that are also run without the fast kernels
PLAIN := $(addprefix tests/test_,$(addsuffix .py,harmonic noise layers losses model training prior generation metrics))

.PHONY: demo test lab models slides install export clean-notebooks

install: $(VENV)/installed

$(VENV)/installed: settings.ini constraints.txt setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -c "import librosa, numpy; librosa.yin(numpy.ones(4096), fmin=60, fmax=500)"  # librosa compiles here, before two processes do so at once
	touch $@

demo: install
	$(BIN)/ddsp-course demo

test: install
	OMP_NUM_THREADS=1 $(BIN)/nbdev_test --n_workers $(WORKERS) --timing --do_print
	DDSP_COURSE_KERNELS=0 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(PLAIN)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests

lab: install
	$(BIN)/ddsp-course lab

models: install
	OMP_NUM_THREADS=1 $(BIN)/python data/train_runs.py

slides: install
	$(BIN)/python slides/build.py nbs/t1_foundations/00_what_is_ddsp.ipynb --name what_is_ddsp

export: install
	$(BIN)/nbdev_export
	$(BIN)/nbdev_clean
