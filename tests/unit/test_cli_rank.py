"""`docalign rank` as a command: what it refuses before any work, and files that become tasks while people judge."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.commands.inputs import Input
from docalign.commands.progress import Bar
from docalign.commands.rank import Preparing
from docalign.errors import DamagedInputError, EmptyInputError
from docalign.feedback import store
from tests.support.rank_page import evil_document, prepare
from tests.support.rankings import tasks_of


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["rank", "--no-browser", *arguments]) == 2
    return capfd.readouterr().err


def test_the_missing_extra_is_named(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docalign.commands.train.find_spec", lambda name: None if name == "jinja2" else object())
    assert ".[rank]" in refused(capfd, "a.pdf")


def test_a_taken_port_is_said_before_any_work(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refused(capfd, "--port", port, "--store", str(tmp_path / "r.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [("--candidates", "5"), ("--candidates", "1"), ("--overlap", "0"), ("--max-tokens", "0"), ("--prepare-only",)],
)
def test_options_that_make_no_sense(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert arguments[0] in refused(capfd, *arguments)


def adder(answers: dict[str, int | Exception], seen: list[str]):  # type: ignore[no-untyped-def]
    def add(job: Input, bar: Bar) -> int:
        seen.append(job.name)
        answer = answers[job.name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return add


def test_the_page_opens_with_the_first_file_that_gives_tasks(capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    bad = DamagedInputError("it is cut short.")
    preparing = Preparing([Input(name, Path(name)) for name in ("bad", "short", "good", "later", "worse")])
    preparing.start(adder({"bad": bad, "short": 0, "good": 3, "later": 1, "worse": bad}, seen), quiet=True)
    assert seen[:3] == ["bad", "short", "good"]
    preparing.finish()
    assert seen[3:] == ["later", "worse"]
    assert not preparing.is_on()
    said = capfd.readouterr().err
    assert "warning: bad: it is cut short." in said
    assert "good: 3 new tasks" in said


def test_the_only_file_says_itself_what_is_wrong_with_it() -> None:
    preparing = Preparing([Input("a.pdf", Path("a.pdf"))])
    with pytest.raises(EmptyInputError, match=r"a\.pdf"):
        preparing.start(adder({"a.pdf": EmptyInputError("it has no pages.")}, []), quiet=True)


def test_preparing_the_same_again_adds_nothing(tmp_path: Path, tokenizer_path: Path) -> None:
    with store.open_store(tmp_path / "r.db") as database:
        assert prepare(database, tokenizer_path, (evil_document(), [])) > 0
        before = store.list_tasks(database)
        assert prepare(database, tokenizer_path, (evil_document(), [])) == 0
        assert store.list_tasks(database) == before


def test_a_reward_models_scores_are_worked_out_once(tmp_path: Path) -> None:
    from docalign.feedback.reward_scores import RewardScores

    class CountsCuts:
        """Likes many chunks; remembers how often it was asked."""

        temperature = 0.5
        asked = 0

        def prepare(self, document: object, sizes: object) -> CountsCuts:
            return self

        def raw(self, chunkings: list[tuple[int, ...]]) -> list[float]:
            self.asked += 1
            return [float(len(c)) for c in chunkings]

    with store.open_store(tmp_path / "r.db") as database:
        tasks = tasks_of(database, 2, starts=((0, 4), (0, 2, 4)))
        reward = CountsCuts()
        scores = RewardScores(database, reward)  # type: ignore[arg-type]
        found = scores(tasks)
        assert [found[c.id] for c in tasks[0].candidates] == [4.0, 6.0]
        assert scores(tasks) == found
        assert reward.asked == 2
