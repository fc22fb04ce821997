"""Two styles of document that no training saw, each with a policy of its own that is stated here and nowhere else.

* `casebook`: running notes on boilers, lifts and pumps, a paragraph a note, no headings. Policy: a chunk is an
  unbroken run of notes on one case. It starts where the notes turn to another case, named or not in its first words,
  and where they come back to an earlier one; a case that is only mentioned in passing starts nothing.
* `minutes`: minutes of a parish council, a paragraph an intervention, no headings. Policy: a chunk ends with its
  decision. It starts with the block after a decision, even where that still talks of the same matter; questions,
  deferrals and votes that were only proposed end nothing.

Neither depends on size, so sizes are stated as an owner would: the target is near the mean chunk, the limit far above
the largest. Training and test documents share neither words (things, places, people, faults, matters) nor sentences:
every sentence pattern belongs to one of the two. Everything is drawn from the seed.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from docalign.document import Block, Document
from docalign.train.gold import GoldLine

__all__ = ["STYLES", "style_lines"]


@dataclass(frozen=True, slots=True)
class Words:
    """The words documents are made from; training and test have none of these in common."""

    things: tuple[str, ...]
    places: tuple[str, ...]
    people: tuple[str, ...]
    faults: tuple[str, ...]
    matters: tuple[str, ...]
    wishes: tuple[str, ...]


TRAIN = Words(
    things=("boiler", "lift", "pump", "chiller", "fan coil", "generator", "sump", "door closer"),
    places=("Harrow Court", "the annexe", "Mill Lane", "the north stair", "Belgrave House", "the plant room", "Quay 4"),
    people=("Mr Adeyemi", "Mrs Lund", "the caretaker", "Dr Pires", "Ms Okafor", "the night porter", "Mr Whelan"),
    faults=(
        "a slow leak at the flange",
        "short cycling",
        "a worn bearing",
        "low pressure overnight",
        "a tripped relay",
        "noise on starting",
        "air in the loop",
        "a cracked housing",
        "a drifting sensor",
    ),
    matters=(
        "the footpath by the weir",
        "the allotment rents",
        "the clock on the hall",
        "the grit bins",
        "the May fair",
        "the bus shelter",
        "the hedge at the school",
        "the flood warden's radio",
        "the burial ground wall",
    ),
    wishes=(
        "repair it before the frost",
        "ask for three quotations",
        "write to the county",
        "spend the reserve on it",
        "lease it for a year",
        "set the fee at forty pounds",
        "pay half of the cost",
        "plant hornbeam instead",
    ),
)
TEST = Words(
    things=("compressor", "hoist", "burner", "damper", "autoclave", "escalator", "cold store", "sluice gate"),
    places=("Ashgrove", "the east wing", "Canal Street", "the loading bay", "Norfolk Tower", "the laundry", "Dock 9"),
    people=("Mr Castellanos", "Mrs Ibe", "the warden", "Dr Novak", "Ms Trent", "the supervisor", "Mr Hollis"),
    faults=("oil on the floor", "uneven heating", "a sticking valve", "a frayed cable", "frost on the coil",
            "vibration at half load", "a blown gasket", "false alarms at night", "corroded terminals"),
    matters=("the bowling green", "the noticeboard", "the cricket nets", "the street lamps", "the parish magazine",
             "the duck pond", "the war memorial", "the skate ramp", "the village hall roof"),
    wishes=("resurface it in spring", "find a sponsor", "ask the insurer first", "close it on Sundays",
            "sell the old one", "raise the charge by a tenth", "borrow the tools", "appoint a second keeper"),
)  # fmt: skip

_OPENINGS = (
    "{Thing} {n} at {place}: {person} reports {fault}, first noticed {when}.",
    "Called to {place} {when}. The {thing} there, number {n}, shows {fault} according to {person}.",
    "{Person} telephoned {when} about {thing} {n}. It has {fault} and had to be switched off at {place}.",
    "On to {place}, where {thing} {n} was found with {fault} {when}.",
    "Next the {thing} at {place} (number {n}); {person} had written {when} that it had {fault}.",
    "Back at {place} {when} for {thing} {n}, which again shows {fault}.",
    "A new complaint came in {when}: {fault}, this time on {thing} {n}. {Person} let us in at {place}.",
    "{Place} was visited {when} because of {fault}. It concerns {thing} {n}, which {person} looks after.",
    "For {thing} {n} a ticket had been open since it was moved to {place}: {fault}, says {person}.",
    "From there to {place}. {Person} showed us {thing} {n} and its trouble, {fault}.",
    "Routine visit {when} to {thing} {n} at {place}; nobody had complained, but it has {fault}.",
    "The other {thing} of the day stands at {place}. {Person} thinks that it has {fault}.",
)
_NOTES = (
    "It was isolated and drained; the cause seems to be {fault}, though {person} doubts that and wants it watched.",
    "Stripped it down after lunch. Apart from {fault} nothing was wrong, and the spare part was fitted the same day.",
    "{Person} asked how long it would be out of use. Two days at most, was the answer, unless {fault} comes back.",
    "Readings taken every hour: steady at first, then falling. That rules out {fault}, which we had at {place} in May.",
    "The maker was rung and sent a drawing. The seal is of another size than that of {thing} {n} at {place}.",
    "Unlike the {thing} at {place}, this one has no bypass, so the whole circuit stood still for {minutes} minutes.",
    "Restarted with {person} present. Ran for {minutes} minutes without {fault}; temperature and current normal.",
    "The part is on order and {person} has the key. Nothing more can be done before it arrives.",
    "Cleaned, greased, and the guard put back. The log on its door was filled in and signed by {person}.",
    "Cost so far: {minutes} pounds for parts, four hours of work. {Person} will decide whether to claim it back.",
    "A second look {when} confirmed it. The old setting was wrong by a third and has been put right.",
    "{Person} remembers that {thing} {n} at {place} was cured of {fault} by a new gasket, which was tried here too.",
    "Photographs were taken before and after. They are with {person}, together with the broken piece.",
    "Tested under load for {minutes} minutes; it holds. The alarm was reset and the seal on the panel renewed.",
    "Whether {fault} and the noise belong together is not clear. {Person} heard it only {when}.",
    "While waiting, the drain was cleared as well. It had been blocked since the work of the other firm.",
)
_OPENINGS_TEST = (
    "Report by {person} {when} of {fault} on {thing} {n}, {place}.",
    "{When} we were sent for by {person}: at {place} the {thing}, number {n}, had {fault}.",
    "Then {thing} {n}. {Person} wanted somebody at {place} without delay, as there was {fault}.",
    "At {place} a fresh job was waiting: {fault}, on {thing} {n}.",
    "Went over to see {thing} {n} at {place}, said by {person} to suffer from {fault}.",
    "Once more {place} and its {thing} ({n}). {Fault} has come back, {person} tells us.",
)
_NOTES_TEST = (
    "Opened the cover and found the cause at once. {Person} held the lamp while the screws were replaced.",
    "We compared it with the {thing} at {place}, whose readings are a tenth lower, and left the setting alone.",
    "Switched on again {when}. {Minutes} minutes later it was still quiet, so {person} signed for the work.",
    "{Person} is not convinced and asks for a second opinion, since {fault} had been promised never to return.",
    "Spare parts cannot be had this week. Until then it runs at half speed with the lid fastened by wire.",
    "The invoice for this will be {minutes} pounds, less what the insurer bears. A copy went to {person}.",
    "No trace of {fault}, which would have been the easy answer. The wiring was measured and is sound.",
    "Swept up, took the waste away, and told {person} to ring if the lamp on the panel turns red.",
    "Had it been {thing} {n} at {place} we would have changed the belt; here it was good for another year.",
)
_TALK = (
    "{Person} said that {matter} had been left long enough and that most of the letters asked to {wish}.",
    "{Person} asked what it would cost to {wish}. The clerk had no figure but thought {minutes} pounds too low.",
    "The clerk reported on {matter}: two residents had complained {when}, and a photograph was handed round.",
    "{Person} warned that the district might refuse. It had done so when the council last wanted to {wish}.",
    "It was proposed by {person} to vote at once on whether to {wish}; others wanted to hear the owner first.",
    "{Person} moved that the council {wish}, but the motion found no seconder and fell.",
    "No decision was taken {when} on this, the clerk recalled, because the plans for {matter} had not been drawn.",
    "There was a long exchange about who had agreed to what at the last meeting, and whether it bound anybody.",
    "{Person} thanked the volunteers for their work on {matter} and gave the hours they had spent.",
    "Whether to {wish} was deferred to the next meeting, as {person} had left the room.",
    "{Person} read out a letter in which the county said it had resolved to {wish}, which some doubted.",
    "On {matter} the treasurer had nothing to add. {Person} wondered whether anybody read the accounts at all.",
    "If the council were to {wish}, said {person}, it would have to be carried by more than a bare majority.",
    "The chair tried to close the discussion of {matter}, but {person} had not finished and went on.",
)
_DECISIONS = (
    "Resolved, to {wish}, {person} to see to it before the next meeting.",
    "It was agreed without a vote to {wish} and to inform those who had written.",
    "The motion to {wish} was put and carried, {n} in favour and two against.",
    "After this the council decided to {wish}; {person} asked for dissent to be recorded.",
    "{Person} seconded, a vote was taken, and the proposal to {wish} was adopted by a clear majority.",
    "Nobody speaking against it, the chair declared it settled that the council would {wish}.",
    "The council rejected the request concerning {matter} by {n} votes to one, and that was final.",
    "The sum of {minutes} pounds for {matter} was approved.",
    "All were for it, and so the council will {wish}.",
    "Decision: {person} is to {wish} and to report on it {when}.",
    "By show of hands the proposal of {person} was accepted, and the matter is closed.",
    "With the chair's casting vote it was determined to {wish}.",
)
_TALK_TEST = (
    "{Person} described the state of {matter} and passed round a sketch made {when}.",
    "Could the council {wish} at all, {person} wanted to know, before the survey was paid for?",
    "In the opinion of {person} nothing should be settled today. A vote could wait until the figures were known.",
    "{Person} recalled that in the next village they had voted to {wish} and had regretted it.",
    "About {matter} a petition with {minutes} names had been handed in, some of them twice.",
    "A proposal by {person} to {wish} was withdrawn after the clerk had read out the standing orders.",
    "{Person} spoke for some time about {matter}, and about the winter in which the pipes froze.",
    "It was suggested that {person} look into it first; opinions on this were divided and it was left open.",
)
_DECISIONS_TEST = (
    "The vote was {n} to three, and the council will therefore {wish}.",
    "Agreed: {person} will {wish}, with a budget of {minutes} pounds.",
    "Members unanimously approved that the council {wish}.",
    "The proposal to {wish} was lost by two votes, which ends the matter.",
    "It was then resolved that {person} should {wish} without further delay.",
    "Put to the vote, the amendment of {person} passed.",
)
_LENGTHS = (1, 2, 3, 4, 6, 7, 8)
_WHEN = ("on Monday", "last week", "in the morning", "shortly after six", "in March", "the day before", "on the 14th")


def _fill(template: str, words: Words, rng: random.Random, **fixed: str) -> str:
    values = {
        "thing": rng.choice(words.things),
        "place": rng.choice(words.places),
        "person": rng.choice(words.people),
        "fault": rng.choice(words.faults),
        "matter": rng.choice(words.matters),
        "wish": rng.choice(words.wishes),
        "when": rng.choice(_WHEN),
        "n": str(rng.randint(2, 48)),
        "minutes": str(rng.randint(3, 40) * 5),
    } | fixed
    values |= {name.capitalize(): value[0].upper() + value[1:] for name, value in values.items()}
    text = template.format(**values)
    return text[0].upper() + text[1:]


def _casebook(rng: random.Random, *, test: bool) -> tuple[list[str], list[int]]:
    words, openings, notes = (TEST, _OPENINGS_TEST, _NOTES_TEST) if test else (TRAIN, _OPENINGS, _NOTES)
    texts: list[str] = []
    starts: list[int] = []
    while len(texts) < 36:
        starts.append(len(texts))
        fixed = {"thing": rng.choice(words.things), "place": rng.choice(words.places)}
        texts.append(_fill(rng.choice(openings), words, rng, **fixed))
        texts += [_fill(t, words, rng) for t in rng.sample(notes, rng.choice(_LENGTHS))]
    return texts, starts


def _minutes(rng: random.Random, *, test: bool) -> tuple[list[str], list[int]]:
    words, talk, decisions = (TEST, _TALK_TEST, _DECISIONS_TEST) if test else (TRAIN, _TALK, _DECISIONS)
    texts: list[str] = []
    starts: list[int] = []
    while len(texts) < 36:
        starts.append(len(texts))
        matter = rng.choice(words.matters)
        said = rng.sample(talk, rng.choice(_LENGTHS))
        texts += [_fill(t, words, rng, matter=matter) for t in said]
        texts.append(_fill(rng.choice(decisions), words, rng, matter=matter))
    return texts, starts


class _Maker(Protocol):
    """Texts of the blocks of a document, and which of them start a chunk."""

    def __call__(self, rng: random.Random, *, test: bool) -> tuple[list[str], list[int]]: ...


STYLES: dict[str, _Maker] = {
    "casebook": _casebook,
    "minutes": _minutes,
}
SIZES = (160, 640)
"""Target and limit, in words × 1.35: near the mean chunk, and above the largest."""


def style_lines(style: str, number: int, *, test: bool, seed: int = 1) -> Iterator[GoldLine]:
    """`number` gold lines of a style."""
    for index in range(number):
        rng = random.Random(f"{style} {test} {seed} {index}")
        texts, starts = STYLES[style](rng, test=test)
        name = f"{style}/{'test' if test else 'train'}{index}"
        yield GoldLine(
            id=name,
            domain=style,
            document=_document(name, texts),
            starts=tuple(starts),
            target_tokens=SIZES[0],
            max_tokens=SIZES[1],
            source=style,
            policy=f"{style}/1",
            licence="CC0 1.0",
        )


def _document(name: str, texts: list[str]) -> Document:
    blocks, at = [], 0
    for number, text in enumerate(texts):
        blocks.append(Block(id=number, start=at, end=at + len(text), kind="paragraph"))
        at += len(text) + 2
    joined = "\n\n".join(texts)
    digest = hashlib.sha256(joined.encode()).hexdigest()
    return Document(source=name, sha256=digest, text=joined, blocks=tuple(blocks)).check()
