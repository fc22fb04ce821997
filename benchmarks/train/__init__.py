"""Experiments about training: which form of the policy learns most, what transfers, what a hundred documents teach."""
