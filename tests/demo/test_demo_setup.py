import os
import re
import subprocess

import pytest

from sandbox.demo.settings import ROOT


def setup(*arguments, **environment):
    return subprocess.run(
        [ROOT / "bin" / "setup", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_setup_again_does_nothing_and_says_nothing():
    done = setup("tests")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_bindir_without_a_server_is_refused(tmp_path):
    done = setup(PG_BINDIR=str(tmp_path))

    assert done.returncode != 0
    assert f"PG_BINDIR={tmp_path} has no postgres" in done.stderr


@pytest.mark.parametrize("script", ["bin/setup", ".ci/run", "compose/start"])
def test_scripts_are_executable_and_stop_at_the_first_error(script):
    path = ROOT / script

    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()
    assert subprocess.run(["bash", "-n", path]).returncode == 0


def test_make_alone_lists_every_public_target():
    done = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True)

    listed = {line.split()[0] for line in done.stdout.splitlines()}
    assert listed >= {"demo", "test", "check", "bench", "sandbox", "clean"}


def test_the_lock_names_no_package_index_and_has_a_hash_for_each_package():
    text = (ROOT / "requirements.lock").read_text()
    packages = re.split(r"\n(?=\S)", text.strip())

    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


def majors(*arguments, **environment):
    return subprocess.run(
        [ROOT / "bin" / "postgres-majors", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=500,
    )


def test_majors_that_are_there_are_told_as_pg_bindirs_takes_them(tmp_path):
    for major in ("13", "17"):
        installed = tmp_path / major / "usr/lib/postgresql" / major
        for name in ("postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_dump", "psql"):
            (installed / "bin").mkdir(parents=True, exist_ok=True)
            (installed / "bin" / name).touch(mode=0o755)
        (installed / "lib").mkdir()
        for name in ("pglogical.so", "wal2json.so"):
            (installed / "lib" / name).touch()
        (tmp_path / major / ".ready").touch()

    done = majors("17", "13", PG_CDC_MAJORS=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert [re.sub(".*/postgresql/", "", place) for place in done.stdout.strip().split(":")] == ["17/bin", "13/bin"]


def test_a_major_that_no_debian_release_has_is_refused_before_anything_is_made(tmp_path):
    done = majors("12", PG_CDC_MAJORS=str(tmp_path / "majors"))

    assert done.returncode != 0
    assert "13, 15 and 17 can be made" in done.stderr
    assert not (tmp_path / "majors").exists()
