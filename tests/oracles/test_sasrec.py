"""SASRec's states against torch-rechub's, with the same weights, where no sequence is padded and where one is."""

import torch

from recommender.dataset.split import split
from recommender.thinkrec.collaborative.sasrec import SasRec, SasRecSettings
from tests.oracles import weights
from tests.recommender.training import synthetic

LONGEST, WIDTH, ITEMS = 6, 8, 40


def ours():
    torch.manual_seed(1)
    data = synthetic.in_memory(synthetic.rows(items=ITEMS))
    codes = split("given", data.end_user, data.liked, moment=data.moment, cuts=(1150, 1190))
    network = SasRec(data, codes, SasRecSettings(width=WIDTH, longest=LONGEST)).eval()
    weights.varied(network)
    return network


def theirs(rechub, network):
    """The same network as torch-rechub's."""
    from torch_rechub.basic.features import SequenceFeature
    from torch_rechub.models.matching.sasrec import SASRec

    names = ("seq", "pos", "neg")
    features = [
        SequenceFeature(
            name, vocab_size=1 + ITEMS, embed_dim=WIDTH, pooling="concat", shared_with="seq" * (name != "seq")
        )
        for name in names
    ]
    peer = SASRec(features, max_len=LONGEST, dropout_rate=0.2).eval()
    peer.position_emb.load_state_dict(network.place.state_dict())
    peer.last_layernorm.load_state_dict(network.norm.state_dict())
    for place, block in enumerate(network.blocks):
        peer.attention_layernorms[place].load_state_dict(block.before.state_dict())
        peer.forward_layernorms[place].load_state_dict(block.between.state_dict())
        peer.attention_layers[place].load_state_dict(block.attention.state_dict())
        weights.copy(torch.nn.ModuleList([block.first, block.second]), peer.forward_layers[place])
    return peer


def test_rechub_computes_the_same_states(rechub):
    network = ours()
    peer = theirs(rechub, network)
    sequence = torch.tensor([[3, 1, 2, 9, 4, 5], [7, 7, 8, 0, 0, 0], [1, 2, 3, 4, 5, 0]])
    with torch.no_grad():
        expected = peer.seq_forward({"seq": sequence}, network.item(sequence).clone())
        found = network.states(sequence)

    there = sequence != 0
    weights.same(found[there], expected[there])
