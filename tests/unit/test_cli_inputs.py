"""Which files a command line names, and what they are called in results."""

from __future__ import annotations

from pathlib import Path

import pytest

from docalign.commands.inputs import UNKNOWN_KIND, Input, Inputs, PassedOver, expand
from docalign.errors import EmptyInputError, UsageError

SUFFIXES = {".txt", ".pdf", ".json"}


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def names(inputs: Inputs) -> list[str]:
    return [job.name for job in inputs.jobs]


def test_one_file_is_no_batch_and_goes_by_its_own_name(tmp_path: Path) -> None:
    inputs = expand([str(tmp_path / "a.odd")], suffixes=SUFFIXES)
    assert inputs == Inputs((Input("a.odd", tmp_path / "a.odd"),), is_batch=False)


def test_standard_input_stands_alone() -> None:
    assert expand(["-"], suffixes=SUFFIXES).jobs == (Input("-", None),)
    with pytest.raises(UsageError, match="beside other inputs"):
        expand(["-", "a.txt"], suffixes=SUFFIXES)


def test_directory_is_walked_in_order_without_hidden_files_and_own_results(tmp_path: Path) -> None:
    tree(
        tmp_path, "b.txt", "a/z.PDF", "a/.hidden.txt", ".git/x.txt", "a.json", "a.txt.chunks.jsonl", "a.txt.error.json"
    )
    inputs = expand([str(tmp_path)], suffixes=SUFFIXES)
    assert inputs.is_batch
    assert names(inputs) == ["a.json", "b.txt", "a/z.PDF"]


def test_files_no_reader_knows_are_passed_over_in_a_directory_and_kept_when_named(tmp_path: Path) -> None:
    tree(tmp_path, "d/a.txt", "d/b.odd", "c.odd")
    inputs = expand([str(tmp_path / "d"), str(tmp_path / "c.odd")], suffixes=SUFFIXES)
    assert names(inputs) == ["d/a.txt", "c.odd"]
    assert inputs.passed_over == (PassedOver(tmp_path / "d" / "b.odd", UNKNOWN_KIND),)


def test_output_folder_inside_the_input_is_not_read(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt", "out/b.txt", "output/c.txt")
    assert names(expand([str(tmp_path)], suffixes=SUFFIXES, out=tmp_path / "out")) == ["a.txt", "output/c.txt"]


def test_names_are_relative_to_what_all_inputs_share_and_never_clash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "one/x.txt", "two/x.txt", "two/y.txt")
    monkeypatch.chdir(tmp_path)
    assert names(expand(["one/x.txt", "two"], suffixes=SUFFIXES)) == ["one/x.txt", "two/x.txt", "two/y.txt"]
    assert names(expand(["two/x.txt", "two/y.txt"], suffixes=SUFFIXES)) == ["x.txt", "y.txt"]
    assert names(expand(["two/x.txt", "one/../two/x.txt"], suffixes=SUFFIXES)) == ["x.txt"]
    assert names(expand(["../" + tmp_path.name + "/one", "one"], suffixes=SUFFIXES)) == ["x.txt"]


def test_missing_file_among_several_is_a_job_that_will_fail(tmp_path: Path) -> None:
    tree(tmp_path, "a.txt")
    assert names(expand([str(tmp_path / "a.txt"), str(tmp_path / "no.txt")], suffixes=SUFFIXES)) == ["a.txt", "no.txt"]


def test_directory_with_nothing_to_read_says_what_could_be(tmp_path: Path) -> None:
    tree(tmp_path, "a.odd")
    with pytest.raises(EmptyInputError, match=r"no file to read.*\.json \.pdf \.txt"):
        expand([str(tmp_path)], suffixes=SUFFIXES)
