"""The downloader against servers that misbehave, and the table of collections."""
import hashlib
import re
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import ddsp_course
from ddsp_course.recordings import Collection, DownloadError, RemoteFile, bundled, data_dir, downloads, fetch, file_sha256

CONTENT = np.random.default_rng(0).bytes(200_000)


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT under every path; the first part of the path says how it misbehaves."""
    log, cuts = [], {}

    def do_GET(self):
        how = self.path.split("/")[1]
        asked = self.headers.get("Range")
        self.log.append((self.path, asked))
        if how == "missing":
            return self.send_error(404)
        start = int(asked[6:-1]) if asked and how != "norange" else 0
        body = {"wrong": CONTENT[:-1] + b"x", "longer": CONTENT + b"more", "shorter": CONTENT[:1000]}.get(how, CONTENT)
        if start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if how == "slow":
            self.wfile.write(body[start:start + 50_000])
            time.sleep(1.0)
        elif self.cuts.get(how, 0) > 0:
            self.cuts[how] -= 1
            self.wfile.write(body[start:start + 30_000])
        else:
            self.wfile.write(body[start:])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def collection(server):
    Handler.log.clear()
    Handler.cuts.clear()

    def make(*ways):
        digest = hashlib.sha256(CONTENT).hexdigest()
        files = tuple(RemoteFile(f"{way}/{way} file.bin", len(CONTENT), digest) for way in ways)
        return Collection("mine", "Test bytes", "CC0 1.0", "https://example.org/cc0", "nobody", server, files)
    return make


def get(c, folder, **kw):
    return fetch(c, folder, progress=False, **kw)


def test_good_download_prints_licence_and_is_not_fetched_twice(collection, tmp_path, capsys):
    path, = get(collection("good"), tmp_path)
    assert path == tmp_path / "mine" / "good file.bin" and path.read_bytes() == CONTENT
    printed = capsys.readouterr().out
    assert "CC0 1.0" in printed and "nobody" in printed
    Handler.log.clear()
    assert get(collection("good"), tmp_path) == [path]
    assert Handler.log == []
    assert [p.name for p in path.parent.iterdir()] == ["good file.bin"]


def test_damaged_file_on_disk_is_fetched_again(collection, tmp_path):
    path, = get(collection("good"), tmp_path)
    path.write_bytes(CONTENT[:-1] + b"?")
    get(collection("good"), tmp_path)
    assert path.read_bytes() == CONTENT


def test_cut_off_resumes_within_one_call(collection, tmp_path):
    Handler.cuts["good"] = 2
    path, = get(collection("good"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [r for _, r in Handler.log] == [None, "bytes=30000-", "bytes=60000-"]


def test_cut_off_for_good_keeps_the_piece_for_the_next_call(collection, tmp_path):
    Handler.cuts["good"] = 4
    with pytest.raises(DownloadError, match=r"120000 of 200000 bytes"):
        get(collection("good"), tmp_path)
    assert not (tmp_path / "mine" / "good file.bin").exists()
    assert (tmp_path / "mine" / "good file.bin.part").stat().st_size == 120_000
    Handler.log.clear()
    path, = get(collection("good"), tmp_path)
    assert path.read_bytes() == CONTENT and [r for _, r in Handler.log] == ["bytes=120000-"]


def test_server_that_ignores_range_is_read_from_the_start(collection, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "norange file.bin.part").write_bytes(CONTENT[:70_000])
    path, = get(collection("norange"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [r for _, r in Handler.log] == ["bytes=70000-"]


def test_wrong_piece_from_an_earlier_run_is_thrown_away(collection, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "good file.bin.part").write_bytes(b"?" * 70_000)
    path, = get(collection("good"), tmp_path)
    assert path.read_bytes() == CONTENT
    assert [r for _, r in Handler.log] == ["bytes=70000-", None]


def test_a_complete_piece_needs_no_network(collection, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "good file.bin.part").write_bytes(CONTENT)
    path, = get(collection("good"), tmp_path)
    assert path.read_bytes() == CONTENT and Handler.log == []


@pytest.mark.parametrize("way, reason", [("wrong", "SHA-256"), ("longer", "longer than the 200000 bytes"),
                                         ("missing", "404"), ("shorter", "shorter than listed")])
def test_bad_content_is_refused_and_the_good_files_are_kept(collection, tmp_path, server, way, reason):
    with pytest.raises(DownloadError, match=reason) as error:
        get(collection("good", way, "norange"), tmp_path)
    assert f"{server}{way}/{way}%20file.bin" in str(error.value) and "1 of 3" in str(error.value)
    left = sorted(p.name for p in (tmp_path / "mine").iterdir() if p.suffix == ".bin")
    assert left == ["good file.bin", "norange file.bin"]
    if way in ("wrong", "longer"):
        assert not (tmp_path / "mine" / f"{way} file.bin.part").exists()


def test_timeout(collection, tmp_path):
    with pytest.raises(DownloadError, match="timed out"):
        get(collection("slow"), tmp_path, timeout=0.2)
    assert (tmp_path / "mine" / "slow file.bin.part").stat().st_size == 50_000


def test_nobody_listens(collection, tmp_path):
    c = replace(collection("good"), base_url="http://127.0.0.1:9/")
    with pytest.raises(DownloadError, match="http://127.0.0.1:9/good/good%20file.bin: .*refused"):
        get(c, tmp_path)


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="garner-bwv1002"):
        fetch("no such thing", tmp_path)
    with pytest.raises(ValueError, match="timeout"):
        fetch("garner-bwv1002", tmp_path, timeout=0)


def test_table_is_pinned_and_complete():
    table = downloads()
    assert {"garner-bwv1002", "weresax-alto"} <= {c.name for c in table}
    for c in table:
        assert re.fullmatch(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/", c.base_url), c.name
        assert c.licence and c.licence_url.startswith("https://") and c.attribution and c.files
        names = [f.path.rsplit("/", 1)[-1] for f in c.files]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch("[0-9a-f]{64}", f.sha256) and f.bytes > 0 for f in c.files)


def test_bundled_is_grouped_by_instrument():
    groups = bundled()
    assert {"violin", "flute", "clarinet", "trumpet", "violin_whole"} <= set(groups)
    assert [p.name for p in groups["violin"]] == ["violin_1.flac", "violin_2.flac", "violin_3.flac", "violin_common.flac"]
    assert all(p.is_file() and p.suffix == ".flac" for paths in groups.values() for p in paths)


def test_data_dir_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setattr(ddsp_course, "__file__", str(tmp_path / "pkg" / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="_data"):
        data_dir()
    (tmp_path / "data").mkdir()
    assert data_dir() == tmp_path / "data"
    (tmp_path / "pkg" / "_data").mkdir(parents=True)
    assert data_dir() == tmp_path / "pkg" / "_data"


def test_sha256_of_the_standard(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")                      # FIPS 180-4, first example
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
