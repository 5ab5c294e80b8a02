"""Gated recurrent units over histories that are padded anywhere, for many candidates at once.

Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014, in the form cuDNN and torch compute
it: the reset gate acts on the state's part of the new state. A step is

    reset = σ(Wr x + Ur h), update = σ(Wu x + Uu h), new = tanh(Wn x + reset · Un h)
    h ← h + strength · update · (new - h)

with biases in every term. `strength` 0 leaves the state exactly as it was, which is how padding changes nothing; a
strength between 0 and 1 is DIEN's attentional update gate. torch.nn.GRU's gate z is 1 - update.
"""

import math

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan
from torch.nn import functional

GATES = 3  # reset, update, new, in the rows of both weights


class Recurrence(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.of_input = nn.Linear(inputs, GATES * width)
        self.of_state = nn.Linear(width, GATES * width)
        for layer in (self.of_input, self.of_state):
            nn.init.uniform_(layer.weight, -1 / math.sqrt(width), 1 / math.sqrt(width))
            nn.init.zeros_(layer.bias)

    def states(self, said: Tensor, strength: Tensor) -> Tensor:
        """The states (B, L, width) after each of L steps: said (B, L, 3 · width) as `say` gives it, strength (B, L)."""
        if torch.compiler.is_exporting():
            return self._scan(said, strength, None)[1]
        return torch.stack(self._loop(said, strength, None), dim=-2)

    def last(self, said: Tensor, strength: Tensor, scale: Tensor | None = None) -> Tensor:
        """The state (B, N, width) after the last step, for N candidates: strength and scale are (B, N, L).

        said (B, 1, L, 3 · width) is computed once for all of them; scale: what a candidate multiplies the inputs by.
        """
        if torch.compiler.is_exporting():
            return self._scan(said, strength, scale)[0]
        return self._loop(said, strength, scale)[-1]

    def _loop(self, said: Tensor, strength: Tensor, scale: Tensor | None) -> list[Tensor]:
        """The states, (…, width) each. Unbound, not indexed: the gradient of an index is a whole tensor of zeros."""
        scales = [None] * said.shape[-2] if scale is None else scale.unsqueeze(-1).unbind(-2)
        state = torch.zeros(*strength.shape[:-1], self.width, dtype=said.dtype, device=said.device)
        states = []
        for inputs, allowed, times in zip(said.unbind(-2), strength.unsqueeze(-1).unbind(-2), scales, strict=True):
            state = self._step(state, inputs if times is None else inputs * times, allowed)
            states.append(state)
        return states

    def _scan(self, said: Tensor, strength: Tensor, scale: Tensor | None) -> tuple[Tensor, Tensor]:
        """The same as one node of the exported graph, whatever the history's length: the last state, all states.

        Unrolled, every step would be some twenty nodes, and exporting them takes longer than training small data.
        """
        steps = [said.movedim(-2, 0), strength.movedim(-1, 0).unsqueeze(-1)]
        if scale is not None:
            steps.append(scale.movedim(-1, 0).unsqueeze(-1))

        def step(state: Tensor, now: list[Tensor]) -> tuple[Tensor, Tensor]:
            inputs = now[0] if scale is None else now[0] * now[2]
            state = self._step(state, inputs, now[1])
            return state, state.clone()  # the form wants no two results in one tensor

        start = torch.zeros(*strength.shape[:-1], self.width, dtype=said.dtype, device=said.device)
        last, states = scan(step, start, steps)
        return last, states.movedim(0, -2)

    def _step(self, state: Tensor, inputs: Tensor, strength: Tensor) -> Tensor:
        parts = [2 * self.width, self.width]
        gates, new = torch.split(inputs + self.of_input.bias, parts, dim=-1)
        state_gates, state_new = torch.split(self.of_state(state), parts, dim=-1)
        reset, update = torch.sigmoid(gates + state_gates).chunk(2, dim=-1)
        return torch.lerp(state, torch.tanh(new + reset * state_new), strength * update)

    def say(self, inputs: Tensor) -> Tensor:
        """Inputs (…, inputs) times the input's weights: (…, 3 · width)."""
        return functional.linear(inputs, self.of_input.weight)

    def read(self, item: Tensor, items: Tensor, feedback: Tensor, feedbacks: Tensor) -> Tensor:
        """What a history says, (B, L, 3 · width), whose inputs are the items' vectors plus the feedback's.

        item, feedback (B, L): rows of the tables items (V, inputs) and feedbacks (F, inputs).
        """
        if self.training:  # more history slots than items: multiply the tables once, then gather
            return functional.embedding(item, self.say(items)) + functional.embedding(feedback, self.say(feedbacks))
        return self.say(functional.embedding(item, items) + functional.embedding(feedback, feedbacks))
