"""Alignment: what comes after imitation. One loop (`loop.py`), and a small class for each method.

examples.py    gold and preference lines as windows, cut to what the policy reads at once
scoring.py     rewards of many chunkings of a window, with their failures named
losses.py      the losses as pure functions of log-probabilities
lab.py         the policy in training, its reference, and one forward pass for all
offline.py     dpo, kto, orpo: from preference lines
online.py      grpo, rloo, online-dpo: from rewards of the policy's own samples
ppo.py         ppo: chunk by chunk, with a value at every slot
joint.py       dpo and sft at once
look.py        evaluation on held-out windows and on gold
stops.py       what ends a run early, and which policy is kept
saved.py       checkpoints without pickle
loop.py        steps, checkpoints, curves
stages.py      several methods in a row, with the forgetting gate
"""
