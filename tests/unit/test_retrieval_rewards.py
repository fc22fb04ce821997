"""PΩ and recall within a budget mean what they say; question files are checked; MedQuAD is taken apart by rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from docalign.counting import count_words
from docalign.document import Document
from docalign.errors import InvalidQuestionsError, ModelMissingError
from docalign.rewards.assemble import composite_of
from docalign.rewards.composite import Composite, Part
from docalign.rewards.pieces import block_spans
from docalign.rewards.questions import Question, QuestionLine, read_questions, write_questions
from docalign.rewards.retrieval import BudgetRecall, Passage, PrecisionOmega, retrieve
from docalign.rewards.reward import Sizes
from docalign.rewards.weights import RewardSettings
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.medquad import medquad_lines
from tests.support.documents import document_of

SIZES = Sizes(8, 40, count_words)
TOPICS = ("cats purr", "dogs bark", "birds sing")
DOCUMENT = document_of([("paragraph", f"{t} {t}") for t in TOPICS for _ in range(2)])


def line(document: Document = DOCUMENT) -> QuestionLine:
    questions = tuple(
        Question(f"q{n}", f"what of {topic}", ((document.blocks[2 * n].start, document.blocks[2 * n + 1].end),))
        for n, topic in enumerate(TOPICS)
    )
    return QuestionLine("made", document, questions, target_tokens=8, max_tokens=40)


def by_words(texts: Sequence[str]) -> list[list[float]]:
    """An embedder that knows six words."""
    known = [w for t in TOPICS for w in t.split()]
    counted = [[float(t.split().count(w)) for w in known] for t in texts]
    lengths = [sum(x * x for x in v) ** 0.5 or 1.0 for v in counted]
    return [[x / n for x in v] for v, n in zip(counted, lengths, strict=True)]


def value(reward: object, starts: list[int]) -> float:
    return reward(DOCUMENT, block_spans(DOCUMENT, starts), SIZES).value  # type: ignore[operator]


def test_precision_omega_is_the_answers_share_of_the_chunks_that_hold_it() -> None:
    omega = PrecisionOmega([line()])
    assert value(omega, [0, 2, 4]) == 1.0
    assert value(omega, list(range(6))) == 1.0  # the loophole its docstring names
    ink = [len(t.replace(" ", "")) * 4 for t in TOPICS]
    assert value(omega, [0]) == pytest.approx(sum(n / sum(ink) for n in ink) / 3)
    shifted = omega(DOCUMENT, block_spans(DOCUMENT, [0, 3]), SIZES)
    assert "needs chunks 0, 1" in " ".join(shifted.reasons)
    assert sum(loss.points for loss in shifted.losses) == pytest.approx(1 - shifted.value)


def test_precision_omega_prepared_is_the_same() -> None:
    omega = PrecisionOmega([line()])
    composite = Composite((Part("omega", 1.0, omega),))
    chunkings = [[0], [0, 2, 4], [0, 1, 5], [0, 3]]
    batch = composite.prepare(DOCUMENT, SIZES).batch(chunkings)
    assert batch.values.tolist() == pytest.approx([value(omega, c) for c in chunkings])


def test_documents_without_questions_are_not_judged() -> None:
    other = document_of([("paragraph", "Nothing asked.")])
    for reward in (PrecisionOmega([line()]), BudgetRecall((line(),), by_words)):
        assert not reward(other, block_spans(other, [0]), SIZES).applies


def test_recall_falls_where_answers_are_cut_apart_or_buried() -> None:
    whole = BudgetRecall((line(),), by_words, budget=1.5)  # 12 tokens: one topic has 10
    assert value(whole, [0, 2, 4]) == 1.0
    buried = whole(DOCUMENT, block_spans(DOCUMENT, [0]), SIZES)
    assert buried.value < 0.6
    assert "best 12 tokens" in buried.reasons[0]


def test_the_budget_is_the_same_for_chunks_of_any_size() -> None:
    text = DOCUMENT.text
    for starts in ([0], [0, 2, 4], [0, 1, 2, 3, 4, 5]):
        passages = [Passage(0, a, b, text[a:b], count_words(text[a:b])) for a, b in block_spans(DOCUMENT, starts)]
        [found] = retrieve(passages, [(0, line().questions[0])], by_words, budget_tokens=1000)
        assert (found.recall, round(found.precision, 3)) == (1.0, round(found.iou, 3))
    passages = [Passage(1, 0, 20, "cats purr", 5), Passage(0, 0, 40, "cats purr dogs", 5)]
    [other] = retrieve(passages, [(0, Question("q", "cats purr", ((0, 10),)))], by_words, budget_tokens=5)
    assert (other.recall, other.precision) == (0.0, 0.0)  # spent on another document's chunk


def test_question_files_come_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl.xz"
    assert write_questions(path, [line()]) == 1
    assert list(read_questions(path)) == [line()]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("schema", "docalign.gold/1"),
        ("id", ""),
        ("questions", []),
        ("questions", [{"id": "a", "question": "b", "spans": []}]),
        ("questions", [{"id": "a", "question": "b", "spans": [[5, 3]]}]),
        ("questions", [{"id": "a", "question": "b", "spans": [[0, 10**6]]}]),
        ("questions", [{"id": "a", "question": "b", "spans": [[4, 9], [2, 3]]}]),
        ("questions", [{"id": "a", "question": "", "spans": [[0, 3]]}]),
        ("target_tokens", True),
        ("max_tokens", 3),
        ("document", {}),
    ],
)
def test_bad_question_lines_are_refused_with_their_place(tmp_path: Path, field: str, bad: object) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(line().to_json() | {field: bad}) + "\n")
    with pytest.raises(InvalidQuestionsError) as raised:
        list(read_questions(path))
    assert raised.value.source == f"{path}:1"


def test_settings_name_question_files(tmp_path: Path) -> None:
    write_questions(tmp_path / "made.jsonl", [line()])
    composite = composite_of(RewardSettings(questions={str(tmp_path / "made.jsonl"): 1000.0}))
    scored = composite.score(DOCUMENT, block_spans(DOCUMENT, [0]), SIZES)
    assert scored.parts["questions made"].value == pytest.approx(value(PrecisionOmega([line()]), [0]))
    other = document_of([("paragraph", "Nothing asked.")])
    assert not composite.score(other, block_spans(other, [0]), SIZES).parts["questions made"].applies
    assert "questions made" not in composite.prepare(other, SIZES).batch([[0]]).parts


def page(name: str) -> dict[str, object]:
    blocks = [("heading", 1, "Asthma"), ("heading", 2, "What is asthma?"), ("paragraph", None, "A disease."),
              ("heading", 3, "Details"), ("list_item", None, "of the lungs"), ("heading", 2, "Is there a cure?"),
              ("paragraph", None, "No.")]  # fmt: skip
    return {"id": name, "licence": "CC BY 4.0", "blocks": [{"kind": k, "level": n, "text": t} for k, n, t in blocks]}


def test_medquad_questions_leave_the_text_and_answers_are_spans() -> None:
    pages = [page(f"medquad/{n}") for n in range(60)]
    held, rest = list(medquad_lines(pages, held_out=True)), list(medquad_lines(pages, held_out=False))
    assert len(held) + len(rest) == 60
    assert held
    assert all(is_held_out(made.document.source) for made in held)
    assert not any(is_held_out(made.document.source) for made in rest)
    [made] = [m for m in held + rest if m.document.source == "medquad/3"]
    assert "?" not in made.document.text
    assert [made.document.text[s:e] for q in made.questions for s, e in q.spans] == [
        "A disease.\n\nDetails\n\nof the lungs", "No.",
    ]  # fmt: skip
    assert [b.kind for b in made.document.blocks] == ["heading", "paragraph", "heading", "list_item", "paragraph"]


def test_long_pages_make_several_lines_of_whole_questions() -> None:
    blocks = [{"kind": "heading", "level": 1, "text": "Title"}]
    for n in range(8):
        blocks.append({"kind": "heading", "level": 2, "text": f"What is {n}?"})
        blocks += [{"kind": "paragraph", "level": None, "text": f"Answer {n}."}] * 50  # type: ignore[list-item]
    made = [
        m for held in (True, False) for m in medquad_lines([{"id": "medquad/long", "blocks": blocks}], held_out=held)
    ]
    assert len(made) == 4
    assert all(len(m.document.blocks) <= 120 and len(m.questions) == 2 for m in made)


def test_medquad_of_the_corpora(request: pytest.FixtureRequest) -> None:
    import os

    data = os.environ.get("DOCALIGN_DATA")
    if not data:
        pytest.skip("DOCALIGN_DATA is not set")
    lines = list(medquad_lines(read_corpus(Path(data) / "corpora/train/medquad.jsonl.xz"), held_out=True))
    assert len(lines) > 10
    for made in lines:
        assert len(made.document.blocks) <= 120
        assert all(q.question not in made.document.text for q in made.questions)


# The embedder


def test_a_missing_embedder_names_the_remedy(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from docalign.rewards.embedder import Embedder

    with pytest.raises(ModelMissingError):
        Embedder(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_embeddings_do_not_depend_on_what_else_is_embedded(tmp_path: Path, tokenizer_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from docalign.rewards.embedder import Embedder

    torch.manual_seed(0)
    shape = transformers.BertConfig(vocab_size=500, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                                    intermediate_size=32)  # fmt: skip
    transformers.BertModel(shape).save_pretrained(tmp_path)
    transformers.PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_path)).save_pretrained(tmp_path)
    texts = ["The committee met.", "It reviewed the report and asked for more.", "", "bro\ud800ken", "a " * 900]
    alone = [Embedder(tmp_path)([t])[0] for t in texts]
    together = Embedder(tmp_path)(texts + texts)
    for one, other in zip(alone + alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
        assert sum(x * x for x in one) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_packaged_minilm_puts_an_answer_nearest_its_question() -> None:
    pytest.importorskip("transformers")
    from docalign.rewards.embedder import Embedder, minilm_folder

    try:
        minilm_folder()
    except ModelMissingError:
        pytest.skip("the extra `retrieval` is not installed")
    question, answer, other = Embedder()(
        [
            "What causes Wilson disease?",
            "It is caused by an inherited mutation of a gene.",
            "The council met on Monday.",
        ]
    )
    near, far = (sum(a * b for a, b in zip(question, v, strict=True)) for v in (answer, other))
    assert near > far + 0.1
