"""The losses of alignment against TRL's own code, brute force and arithmetic done by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from docalign.train.methods.losses import (  # noqa: E402
    clipped_objective,
    dpo_loss,
    gae,
    group_advantages,
    kto_loss,
    orpo_loss,
)
from docalign.train.segments import Segmentations  # noqa: E402
from tests.unit.test_segments import as_starts, drawn, enumerated, tensors  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def log_probs(number: int) -> tuple[torch.Tensor, ...]:
    """Chosen, rejected, and the reference's, of `number` pairs, in float64."""
    rng = np.random.default_rng(2)
    return tuple(torch.tensor(-np.abs(rng.normal(8, 4, number))) for _ in range(4))


class Sums:
    """Accelerate's part in a trainer of one process."""

    device = torch.device("cpu")

    @staticmethod
    def gather_for_metrics(value):
        return value

    gather = gather_for_metrics


def answers(values):
    """A model whose log-probability of each one-token completion is the value given."""

    def model(**_):
        per_token = values[:, None]
        zeros = torch.zeros_like(per_token)
        return SimpleNamespace(
            log_probs=per_token, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool(), aux_loss=None
        )

    model.training = True
    return model


class Trainer(SimpleNamespace):
    """Whatever else TRL's loss asks a trainer for is nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)


@pytest.mark.parametrize("kind", ["sigmoid", "ipo", "robust"])
def test_dpo_is_trls(kind):
    from collections import defaultdict

    from trl import DPOTrainer

    chosen, rejected, ref_chosen, ref_rejected = log_probs(6)
    trainer = Trainer(
        model=SimpleNamespace(training=True),
        accelerator=Sums(),
        beta=0.1,
        label_smoothing=0.1,
        loss_types=[kind],
        loss_weights=[1.0],
        f_divergence_type="reverse_kl",
        precompute_ref_logps=True,
        aux_loss_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
    )
    inputs = {
        "input_ids": torch.zeros((12, 2), dtype=torch.long),
        "attention_mask": torch.ones((12, 2), dtype=torch.long),
        # The first token is the prompt: one completion token, so IPO's average is the sum.
        "completion_mask": torch.tensor([[0, 1]] * 12),
        "ref_chosen_logps": ref_chosen,
        "ref_rejected_logps": ref_rejected,
    }
    theirs = DPOTrainer._compute_loss(trainer, answers(torch.cat((chosen, rejected))), inputs, False)
    margins = (chosen - rejected) - (ref_chosen - ref_rejected)
    ours = dpo_loss(margins, beta=0.1, kind=kind, label_smoothing=0.1 if kind == "robust" else 0.0).mean()
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_kto_is_trls():
    from collections import defaultdict

    from trl import KTOTrainer

    policy, rejected, reference, ref_rejected = log_probs(5)
    values, references = torch.cat((policy, rejected)), torch.cat((reference, ref_rejected))
    labels = torch.tensor([True] * 5 + [False] * 5)
    kl_policy, kl_reference = values + 0.7, references
    trainer = Trainer(
        model=SimpleNamespace(training=True),
        accelerator=Sums(),
        beta=0.1,
        loss_type="kto",
        calculate_KL=True,
        desirable_weight=1.5,
        undesirable_weight=0.8,
        precompute_ref_logps=True,
        aux_loss_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
        _compute_kl_logps=lambda *_: kl_policy,
    )
    inputs = {
        "input_ids": torch.zeros((10, 2), dtype=torch.long),
        "attention_mask": torch.ones((10, 2), dtype=torch.long),
        "completion_mask": torch.tensor([[0, 1]] * 10),
        "label": labels,
        "ref_logps": references,
        "ref_KL_logps": kl_reference,
    }
    theirs = KTOTrainer._compute_loss(trainer, answers(values), inputs, False)
    kl = (kl_policy - kl_reference).mean().clamp(min=0)
    ours = kto_loss(values - references, labels, kl, beta=0.1, desirable_weight=1.5, undesirable_weight=0.8).mean()
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-6)


def test_orpo_is_trls():
    from trl.experimental.orpo import ORPOTrainer

    chosen, rejected, *_ = log_probs(6)
    chosen, rejected = chosen / 20, rejected / 20
    trainer = Trainer(beta=0.3, accelerator=Sums())
    theirs, *_ = ORPOTrainer.odds_ratio_loss(trainer, chosen, rejected)
    ours = orpo_loss(chosen, rejected, weight=0.3)
    assert (ours + chosen).tolist() == pytest.approx((-theirs).tolist(), abs=1e-6)


def test_group_advantages_by_hand():
    rewards = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.5, 0.5]], dtype=torch.float64)
    left_out = group_advantages(rewards, baseline="rloo")
    assert left_out[0].tolist() == pytest.approx([1.0, -1 / 3, -1 / 3, -1 / 3])
    scaled = group_advantages(rewards, baseline="grpo")
    assert scaled[0].tolist() == pytest.approx([0.75 / 0.5001, *[-0.25 / 0.5001] * 3])
    assert group_advantages(rewards, baseline="grpo", scale=False)[0, 0].item() == pytest.approx(0.75)
    assert not scaled[1].any(), "a group without spread teaches nothing"


def test_gae_by_hand():
    cuts = torch.tensor([[[True, False, True, False]]])
    rewards = torch.tensor([[[-0.1, 0.0, -0.4, 0.0]]], dtype=torch.float64)
    values = torch.tensor([[-0.3, 9.0, -0.2, 9.0]], dtype=torch.float64)
    second = -0.4 + 0.2
    first = -0.1 + 0.9 * -0.2 + 0.3 + 0.9 * 0.8 * second
    found = gae(rewards, values, cuts, discount=0.9, decay=0.8)
    assert found[0, 0].tolist() == pytest.approx([first, 0.0, second, 0.0])


def test_clipping_takes_the_worse_of_the_two():
    new, old = torch.tensor([0.5, -0.5, 0.5, -0.5]), torch.zeros(4)
    advantages = torch.tensor([1.0, 1.0, -1.0, -1.0])
    found = clipped_objective(new, old, advantages, clip=0.2).tolist()
    assert found == pytest.approx([1.2, np.exp(-0.5), -np.exp(0.5), -0.8])


def true_gradient(window, reward_of):
    """∂E[reward]/∂s by enumeration."""
    odds, *rest = tensors(*window)
    odds.requires_grad_()
    policy = Segmentations.of(odds, *rest)
    chunkings = list(enumerated(window))
    starts = torch.cat([as_starts(y, len(window[0])) for y in chunkings])[None]
    rewards = torch.tensor([[reward_of(y) for y in chunkings]], dtype=torch.float64)
    (policy.log_prob(starts).exp() * rewards).sum().backward()
    return odds.grad[0, 1:]


def cost_of_chunk(start, end):
    """A cost of its own for every chunk, so that credit matters."""
    return 0.1 * ((7 * start + 3 * end) % 5)


def test_the_gradients_of_rloo_and_of_ppo_are_those_of_the_expected_reward():
    window = next(drawn(1, seed=21))
    count = len(window[0])
    number = 40_000

    def reward_of(y):
        return -sum(cost_of_chunk(a, b) for a, b in zip(y, [*y[1:], count], strict=True))

    wanted = true_gradient(window, reward_of)
    odds, *rest = tensors(*window)
    policy = Segmentations.of(odds.requires_grad_(), *rest)
    samples = policy.sample(number, torch.Generator().manual_seed(3))
    known = {tuple(y): reward_of(y) for y in enumerated(window)}
    rewards = torch.tensor([[known[tuple(torch.nonzero(s).flatten().tolist())] for s in samples[0]]])
    advantages = group_advantages(rewards, baseline="rloo")
    (grad,) = torch.autograd.grad((advantages * policy.log_prob(samples)).mean(), odds, retain_graph=True)
    np.testing.assert_allclose(grad[0, 1:], wanted, atol=0.006)

    costs = torch.zeros(samples.shape, dtype=torch.float64)
    for k, sample in enumerate(samples[0]):
        y = torch.nonzero(sample).flatten().tolist()
        for a, b in zip(y, [*y[1:], count], strict=True):
            costs[0, k, a] = -cost_of_chunk(a, b)
    values = torch.full((1, count), -0.3, dtype=torch.float64)  # any baseline will do
    estimated = gae(costs, values, samples, discount=1.0, decay=1.0)
    steps = policy.log_steps(samples)
    objective = clipped_objective(steps, steps.detach(), estimated, clip=0.2)
    (grad,) = torch.autograd.grad(objective[samples].sum() / number, odds)
    np.testing.assert_allclose(grad[0, 1:], wanted, atol=0.006)
