"""A stated, SIMULATED taste that contradicts the gold policy in one respect: an example belongs with its rule.

Pages of a staff handbook: rules, and sections under headings of the same level that explain, limit or illustrate them.
The reference policy (`train/policy_gold.py`) starts a chunk at every one of these headings, an example's too, because
no two sections fit the target. The taste agrees but for one thing: an example must not be cut off from the rule before
it. No person judged anything here; `judgement` is the judge.

The two candidates of a ranking have the same number of chunks (so the same mean size) and cut at headings only; the
worse one cuts off examples, the better one as many other sections instead. Pages to learn from and held-out pages
share no subjects and no sentences; of the headings of examples one ("Example") is in both, the others are not.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from docalign.document import Block, Document
from docalign.preference import PreferenceLine, Starts
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import Unit, gold_starts

__all__ = ["TASTE", "Page", "judgement", "pages", "rankings"]

TASTE: Final = "an example belongs with its rule"
_TARGET: Final = 50
_LIMIT: Final = 400
_ORDERS: Final = (("e", "o"), ("o", "e"), ("eo", "o"), ("oe", "e"), ("e", "oe"), ("o", "eo"))
"""What follows each rule of a page: an example, something else, or both in either order."""


@dataclass(frozen=True, slots=True)
class _Words:
    subjects: tuple[str, ...]
    people: tuple[str, ...]
    rules: tuple[str, ...]
    examples: tuple[str, ...]
    others: tuple[str, ...]
    example_headings: tuple[str, ...]
    other_headings: tuple[str, ...]


def _texts(texts: str) -> tuple[str, ...]:
    """Paragraphs, as written below with a blank line between them."""
    return tuple(" ".join(text.split()) for text in texts.strip().split("\n\n"))


_TRAIN: Final = _Words(
    subjects=("Sick leave", "Travel advances", "Parking permits", "Overtime", "Office keys", "Study days", "Mileage",
              "Shift swaps", "Protective shoes", "Home working", "Lost badges", "Meal vouchers"),
    people=("Ms Adeyemi", "Mr Lund", "a driver", "the porter", "a new clerk", "Dr Pires", "a team of four"),
    rules=_texts("""
        {Subject} must be asked for in writing at least {n} days ahead, and the head of unit answers within a week.
        Without an answer the request counts as granted.

        Nobody may claim more than {n} units of this in a year, whatever the contract says about part-time work and
        whoever has approved it before.

        The unit keeps a register in which every case is entered on the day it arises, with the name, the hour and
        the reason that was given for it.

        What is not used by the end of March lapses. It is neither paid out nor carried over, except where the unit
        itself stood in the way for {n} days or more.
    """),
    examples=_texts("""
        {Person} asks on the 3rd for the 20th and hears nothing until the 11th. The request is granted, and the late
        refusal of the 12th changes nothing.

        {Person} has used {n} units by May and changes to half time in June. What was used stays used, and the rest
        of the year brings none.

        In April {person} finds {n} units of last year on the slip. They are struck out, although nobody had given
        notice of it.

        {Person} was entered a day late because the register lay in another building. The entry stands, with a note
        of the reason and the date.
    """),
    others=_texts("""
        Requests go to the service desk on the second floor, open from nine to {n} past four. The form is blue and
        has two pages, both to be signed.

        This section was last changed {n} months ago, when two older notices were merged. Those notices are no
        longer in force and have been withdrawn.

        Where a court or an inspector asks for papers, the legal office is told first. It decides within {n} days
        what is handed over and what is not.

        Managers read the register once a quarter and report what stands out. The works council is given the totals,
        without any names, before the {n}th.
    """),
    example_headings=("Example", "Worked example", "Example from practice"),
    other_headings=("Procedure", "History", "Exceptions", "Forms and addresses", "Supervision"),
)  # fmt: skip
_TEST: Final = _Words(
    subjects=("Field laptops", "Jury service", "Company bicycles", "Guest rooms", "Moving house", "Late trains",
              "Night duty", "Canteen credit", "Uniforms", "Business cards", "Shared desks", "Unpaid leave"),
    people=("Mrs Ibe", "Mr Castellanos", "an apprentice", "the warden", "Ms Novak", "a returning parent"),
    rules=_texts("""
        {Subject} are lent, not given: whoever leaves brings back what was received, in working order and no later
        than {n} days after the last day of duty.

        The first {n} hours are borne by the employer, the rest is shared half and half, provided that the
        supervisor was told before it began.

        One person in each office is responsible for the list. Changes to it take effect on the following Monday and
        are never made backwards.

        A refusal has to give its grounds. It can be taken to the committee once, within {n} days, by letter or in
        person.
    """),
    examples=_texts("""
        {Person} leaves on a Friday and returns everything {n} days later, the battery worn. That is in time, and
        wear is no damage.

        {Person} rings the supervisor from the platform when the train has already left. The hours before the call
        are not shared.

        Told no without a word of explanation, {person} writes to the committee on day {n}. The refusal falls for
        want of grounds alone.

        On Tuesday {person} takes over the desk of a colleague. Until Monday the list names the colleague, who
        answers for it.
    """),
    others=_texts("""
        The committee sits on the first Thursday and publishes its agenda {n} days before. Minutes are kept by the
        secretary and can be read there.

        Until the new system runs, paper slips are used. They are collected in room {n} and typed in at the end of
        each week by the trainees.

        Staff on fixed-term contracts of under {n} months are outside this section; other arrangements in their
        letters of appointment go first.

        Questions are answered by personnel services. Calls are taken in the mornings only, messages are dealt with
        in the order they come in.
    """),
    example_headings=("Example", "Illustration", "A case in point"),
    other_headings=("Scope", "Contact", "Transition", "Committee", "Records"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """A page as a gold line of the reference policy, and which of its blocks are headings of examples and of others."""

    line: GoldLine
    examples: Starts
    others: Starts


def pages(number: int, *, test: bool, seed: int = 1) -> Iterator[Page]:
    """Pages of a handbook; everything is drawn from the seed."""
    words = _TEST if test else _TRAIN
    for index in range(number):
        rng = random.Random(f"taste {test} {seed} {index}")
        name = f"handbook/{'test' if test else 'train'}{index}"
        yield _page(name, words, rng)


def _page(name: str, words: _Words, rng: random.Random) -> Page:
    units: list[Unit] = []
    examples: list[int] = []
    others: list[int] = []

    def section(heading: str, text: str) -> int:
        values = {"subject": heading.lower(), "person": rng.choice(words.people), "n": str(rng.randint(3, 28))}
        values |= {key.capitalize(): value[0].upper() + value[1:] for key, value in values.items()}
        units.extend((Unit.of(heading, "heading", 2), Unit.of(text.format(**values), "paragraph", None)))
        return len(units) - 2

    order = rng.choice(_ORDERS)
    for subject, followers in zip(rng.sample(words.subjects, len(order)), order, strict=True):
        section(subject, rng.choice(words.rules))
        for kind in followers:
            if kind == "e":
                examples.append(section(rng.choice(words.example_headings), rng.choice(words.examples)))
            else:
                others.append(section(rng.choice(words.other_headings), rng.choice(words.others)))
    starts = tuple(gold_starts(units, target=_TARGET, limit=_LIMIT))
    assert set(examples) <= set(starts)  # the gold policy cuts every example off
    line = GoldLine(name, "handbook", _document(name, units), starts, target_tokens=_TARGET, max_tokens=_LIMIT)
    return Page(line, tuple(examples), tuple(others))


def _document(name: str, units: list[Unit]) -> Document:
    blocks, at = [], 0
    for number, unit in enumerate(units):
        block = Block(id=number, start=at, end=at + len(unit.text), kind="paragraph")
        if unit.is_heading:
            block = replace(block, kind="heading", level=unit.level, font_scale=1.4, bold=True)
        blocks.append(block)
        at += len(unit.text) + 2
    text = "\n\n".join(unit.text for unit in units)
    return Document(name, hashlib.sha256(text.encode()).hexdigest(), text, tuple(blocks)).check()


def judgement(page: Page, starts: Starts) -> int:
    """Examples that a chunking cuts off from what they illustrate: the fewer the better."""
    return len(set(page.examples) & set(starts))


def rankings(number: int, *, test: bool, seed: int = 1) -> Iterator[PreferenceLine]:
    """One ranking of two candidates for each page, in a random order."""
    for page in pages(number, test=test, seed=seed):
        digest = hashlib.sha256(f"ranking {seed} {page.line.id}".encode()).digest()
        rng = random.Random(digest)
        good, bad = _candidates(page, rng)
        candidates = (good, bad) if rng.random() < 0.5 else (bad, good)
        order = sorted(range(2), key=lambda k: judgement(page, candidates[k]))
        yield PreferenceLine(
            page.line.id, page.line.document, candidates, tuple((k,) for k in order), "simulated", TASTE,
            target_tokens=page.line.target_tokens, max_tokens=page.line.max_tokens, counter=page.line.counter,
        )  # fmt: skip


def _candidates(page: Page, rng: random.Random) -> tuple[Starts, Starts]:
    """A better and a worse chunking of the same number of chunks; most of what both do is alike."""
    number = rng.randint(1, min(2, len(page.examples), len(page.others)))
    apart, instead = set(rng.sample(page.examples, number)), set(rng.sample(page.others, number))
    rest = set(page.line.starts) - set(page.examples) - set(page.others)
    # Other sections and rules are cut or not alike in both; so what both leave out says nothing.
    alike = {s for s in rest | (set(page.others) - instead) if s == 0 or rng.random() < 0.7}
    return tuple(sorted({0} | alike | instead)), tuple(sorted({0} | alike | apart))
