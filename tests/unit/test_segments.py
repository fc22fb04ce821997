"""The policy's distribution in torch against its numpy twin, enumeration and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")

from docalign.chunker import solve  # noqa: E402
from docalign.chunker.prior import KNOTS, LengthPrior  # noqa: E402
from docalign.train.segments import Segmentations, log_partition, phi, score  # noqa: E402
from docalign.train.slot_model import PriorHead  # noqa: E402
from tests.unit.test_solve import FINE, all_starts  # noqa: E402


def drawn(number: int, seed: int = 11):
    """`(log_odds, sizes, target, cap, prior)` of small windows; target and cap infinite in some."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        count = int(rng.integers(2, 10))
        target = float(rng.integers(10, 90)) if rng.random() < 0.8 else np.inf
        cap = float(rng.integers(20, 200)) if rng.random() < 0.8 else np.inf
        prior = LengthPrior(tuple(-np.abs(rng.normal(0, 3, len(KNOTS)))))
        yield rng.normal(0, 2, count), rng.integers(1, 60, count).astype(float), target, cap, prior


def tensors(odds, sizes, target, cap, prior):
    return (
        torch.tensor(odds)[None],
        torch.tensor(sizes)[None],
        torch.tensor([len(odds)]),
        torch.tensor([target], dtype=torch.float64),
        torch.tensor([cap], dtype=torch.float64),
        torch.tensor(prior.values, dtype=torch.float64),
    )


def problem_of(odds, sizes, target, cap, prior):
    return solve.Problem(
        odds,
        sizes,
        None if np.isinf(target) else target,
        None if np.isinf(cap) else cap,
        prior=prior,
        grid=FINE,
    )


def as_starts(y, count):
    return torch.tensor([[int(i in y) for i in range(count)]])


def test_phi_is_the_numpy_prior():
    ratios = np.concatenate((np.linspace(0, 9, 500), KNOTS))
    for *_, prior in drawn(10):
        ours = phi(torch.tensor(ratios), torch.tensor(prior.values, dtype=torch.float64))
        np.testing.assert_allclose(ours.numpy(), prior(ratios), atol=1e-9)


def test_log_partition_and_score_agree_with_numpy_and_with_enumeration():
    for window in drawn(60):
        odds, sizes, lengths, target, cap, values = tensors(*window)
        problem = problem_of(*window)
        log_z = float(log_partition(odds, sizes, lengths, target, cap, values))
        assert log_z == pytest.approx(solve.log_partition(problem), abs=1e-6)
        legal = []
        for y in all_starts(len(problem.sizes)):
            ours = float(score(odds, as_starts(y, len(problem.sizes)), sizes, lengths, target, cap, values))
            theirs = solve.score(problem, y)
            if np.isfinite(theirs):
                assert ours == pytest.approx(theirs, abs=1e-6)
                legal.append(ours)
            else:
                assert ours < -1e20
        assert log_z == pytest.approx(np.logaddexp.reduce(legal), abs=1e-6)


def test_gradients_agree_with_finite_differences():
    windows = list(drawn(4, seed=4))
    for window in windows:
        odds, sizes, lengths, target, cap, values = tensors(*window)
        starts = as_starts(solve.viterbi(problem_of(*window)), odds.shape[1])

        def loss(s, v, sizes=sizes, lengths=lengths, target=target, cap=cap, starts=starts):
            return log_partition(s, sizes, lengths, target, cap, v) - score(s, starts, sizes, lengths, target, cap, v)

        assert torch.autograd.gradcheck(loss, (odds.requires_grad_(), values.requires_grad_()), eps=1e-6, atol=1e-6)


def test_the_gradient_of_log_z_is_the_marginals():
    for window in drawn(20, seed=6):
        odds, *rest = tensors(*window)
        odds.requires_grad_()
        log_partition(odds, *rest).sum().backward()
        marginals = solve.boundary_marginals(problem_of(*window))
        np.testing.assert_allclose(odds.grad[0].numpy()[1:], marginals[1:], atol=1e-6)


def test_padding_in_a_batch_changes_neither_values_nor_gradients():
    windows = list(drawn(12, seed=9))
    prior = windows[0][-1]
    width = max(len(w[0]) for w in windows) + 3

    def padded(index, fill):
        return torch.tensor([[*w[index], *[fill] * (width - len(w[index]))] for w in windows])

    odds = padded(0, 77.0).requires_grad_()
    sizes = (padded(1, 1.0), torch.tensor([len(w[0]) for w in windows]))
    ends = (torch.tensor([w[2] for w in windows]), torch.tensor([w[3] for w in windows]))
    values = torch.tensor(prior.values, dtype=torch.float64)
    starts = torch.tensor([[1, 1, *[0] * (width - 4), 1, 1]] * len(windows))
    together = log_partition(odds, *sizes, *ends, values)
    scores = score(odds, starts, *sizes, *ends, values)
    (together.sum() + scores.clamp(min=-1e6).sum()).backward()
    assert torch.isfinite(odds.grad).all()
    for row, window in enumerate(windows):
        own = tensors(*window[:-1], prior)
        count = len(window[0])
        alone = own[0].clone().requires_grad_()
        log_z, one = log_partition(alone, *own[1:]), score(alone, starts[row : row + 1, :count], *own[1:])
        (log_z.sum() + one.clamp(min=-1e6).sum()).backward()
        assert together[row].item() == pytest.approx(log_z.item(), abs=1e-9)
        assert scores[row].item() == pytest.approx(one.item(), abs=1e-9)
        np.testing.assert_allclose(odds.grad[row, :count].numpy(), alone.grad[0].numpy(), atol=1e-9)
        assert not odds.grad[row, count:].any()


def test_the_trainable_prior_stays_below_zero_and_starts_where_it_was_put():
    head = PriorHead(LengthPrior())
    np.testing.assert_allclose(head.prior().values, np.minimum(LengthPrior().values, -0.02), atol=1e-9)
    with torch.no_grad():
        head.raw += 3.0
    assert all(v < 0 for v in head.prior().values)
    ratios = torch.tensor([0.05, 1.0, 7.0], dtype=torch.float64)
    np.testing.assert_allclose(head(ratios).detach().numpy(), head.prior()(ratios.numpy()), atol=1e-9)


# Marginals, entropy, KL and samples, against enumeration.


def enumerated(window):
    """Every possible chunking of a window with its probability."""
    problem = problem_of(*window)
    scores = {tuple(y): solve.score(problem, y) for y in all_starts(len(problem.sizes))}
    possible = {y: v for y, v in scores.items() if np.isfinite(v)}
    log_z = np.logaddexp.reduce(list(possible.values()))
    return {y: float(np.exp(v - log_z)) for y, v in possible.items()}


def test_marginals_entropy_and_kl_agree_with_enumeration():
    rng = np.random.default_rng(3)
    for window in drawn(30, seed=8):
        odds, *rest = tensors(*window)
        moved = (window[0] + rng.normal(0, 1, len(window[0])), *window[1:4], LengthPrior())
        policy, reference = Segmentations.of(odds, *rest), Segmentations.of(*tensors(*moved))
        ours, theirs = enumerated(window), enumerated(moved)
        marginals = [sum(p for y, p in ours.items() if i in y) for i in range(len(window[0]))]
        np.testing.assert_allclose(policy.marginals[0].numpy(), marginals, atol=1e-9)
        assert policy.entropy.item() == pytest.approx(-sum(p * np.log(p) for p in ours.values() if p), abs=1e-6)
        expected = sum(p * (np.log(p) - np.log(theirs[y])) for y, p in ours.items() if p)
        assert policy.kl(reference).item() == pytest.approx(expected, abs=1e-6)
        assert policy.kl(policy).item() == pytest.approx(0.0, abs=1e-9)


def test_many_chunkings_of_a_window_at_once_have_the_probabilities_of_enumeration():
    for window in drawn(20, seed=12):
        ours = enumerated(window)
        count = len(window[0])
        starts = torch.cat([as_starts(y, count) for y in ours])[None]
        policy = Segmentations.of(*tensors(*window))
        np.testing.assert_allclose(policy.log_prob(starts).exp()[0].numpy(), list(ours.values()), atol=1e-9)
        steps = policy.log_steps(starts)
        np.testing.assert_allclose(steps.sum(-1).numpy(), policy.log_prob(starts).numpy(), atol=1e-9)
        assert not steps[starts == 0].any()
        assert (steps[starts > 0] <= 1e-12).all()


def test_the_raw_greedy_chunking_is_the_solvers():
    for window in drawn(80, seed=13):
        y = solve.viterbi(problem_of(*window))
        found = Segmentations.of(*tensors(*window)).viterbi()
        assert torch.nonzero(found[0]).flatten().tolist() == y
    tied = (np.zeros(6), np.full(6, 10.0), np.inf, np.inf, LengthPrior())
    assert torch.nonzero(Segmentations.of(*tensors(*tied)).viterbi()[0]).flatten().tolist() == [0]


def test_samples_come_as_often_as_they_should():
    number = 20_000
    for window in drawn(6, seed=14):
        ours, count = enumerated(window), len(window[0])
        policy = Segmentations.of(*tensors(*window))
        found = policy.sample(number, torch.Generator().manual_seed(1))
        again = policy.sample(number, torch.Generator().manual_seed(1))
        assert torch.equal(found, again)
        codes = (found[0].long() << torch.arange(count)).sum(1)
        for y, p in ours.items():
            share = (codes == sum(1 << i for i in y)).double().mean().item()
            assert share == pytest.approx(p, abs=4.5 * np.sqrt(p * (1 - p) / number) + 5 / number)


def test_gradients_of_entropy_kl_and_steps_agree_with_finite_differences():
    for window in drawn(3, seed=15):
        odds, sizes, lengths, target, cap, values = tensors(*window)
        reference = Segmentations.of(odds + 0.3, sizes, lengths, target, cap, values)
        starts = Segmentations.of(odds, sizes, lengths, target, cap, values).sample(3, torch.Generator().manual_seed(0))

        def all_of_it(s, v, sizes=sizes, lengths=lengths, target=target, cap=cap, starts=starts, reference=reference):
            policy = Segmentations.of(s, sizes, lengths, target, cap, v)
            return policy.entropy, policy.kl(reference), policy.log_steps(starts), policy.marginals

        inputs = (odds.requires_grad_(), values.requires_grad_())
        assert torch.autograd.gradcheck(all_of_it, inputs, eps=1e-6, atol=1e-5)


def test_asking_without_gradients_first_loses_none():
    """Sampling comes first in every step; what it caches must not cut the graph of the loss."""
    window = next(drawn(1, seed=17))
    found = []
    for sample_first in (False, True):
        odds, *rest = tensors(*window)
        policy = Segmentations.of(odds.requires_grad_(), *rest)
        with torch.no_grad():
            starts = Segmentations.of(*tensors(*window)).sample(4, torch.Generator().manual_seed(0))
            if sample_first:
                policy.sample(2), policy.entropy, policy.log_steps(starts)
        loss = policy.log_prob(starts).sum() + policy.entropy.sum() + policy.log_steps(starts).square().sum()
        loss.backward()
        found.append(odds.grad)
    torch.testing.assert_close(found[0], found[1])


def test_windows_of_other_lengths_in_the_batch_change_nothing():
    windows = list(drawn(8, seed=16))
    prior, width = windows[0][-1], max(len(w[0]) for w in windows) + 2

    def padded(index, fill):
        return torch.tensor([[*w[index], *[fill] * (width - len(w[index]))] for w in windows])

    lengths = torch.tensor([len(w[0]) for w in windows])
    ends = (torch.tensor([w[2] for w in windows]), torch.tensor([w[3] for w in windows]))
    values = torch.tensor(prior.values, dtype=torch.float64)
    together = Segmentations.of(padded(0, 9.0), padded(1, 1.0), lengths, *ends, values)
    sampled = together.sample(50, torch.Generator().manual_seed(2))
    greedy = together.viterbi()
    for row, window in enumerate(windows):
        count = len(window[0])
        alone = Segmentations.of(*tensors(*window[:-1], prior))
        assert together.entropy[row].item() == pytest.approx(alone.entropy.item(), abs=1e-9)
        np.testing.assert_allclose(together.marginals[row, :count], alone.marginals[0], atol=1e-9)
        assert not together.marginals[row, count:].any()
        assert torch.equal(greedy[row, :count], alone.viterbi()[0])
        assert sampled[row, :, 0].all()
        assert not sampled[row, :, count:].any()
        own = sampled[row, :, :count]
        assert together.log_prob(sampled)[row].tolist() == pytest.approx(
            alone.log_prob(own[None])[0].tolist(), abs=1e-9
        )
