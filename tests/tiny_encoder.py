"""Real transformers encoders of a few kilobytes, made on the spot: 16 dimensions, letters as tokens."""

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    LongformerConfig,
    LongformerModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

WIDTH, POSITIONS, WINDOW = 16, 64, 8
LETTERS = [*string.ascii_lowercase, *string.digits, ".", ","]
SMALL = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.5,  # else so small a network says the same of everything
}


def make(folder: Path, family: str = "bert") -> str:
    """`family`: bert, xlm-roberta (BGE-M3's) or longformer. All read at most POSITIONS tokens."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        (_bert if family == "bert" else _roberta)(folder, family)
    return str(folder)


def _bert(folder: Path, family: str) -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{one}" for one in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=POSITIONS).save_pretrained(folder)
    config = BertConfig(vocab_size=len(vocabulary), max_position_embeddings=POSITIONS, **SMALL)
    BertModel(config).save_pretrained(folder)


def _roberta(folder: Path, family: str) -> None:
    """RoBERTa's numbering: padding is token 1, and the first token's position is 2."""
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", *LETTERS]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)  # says no greatest length
    sizes = {"vocab_size": len(vocabulary), "max_position_embeddings": POSITIONS + 2, **SMALL}
    if family == "longformer":
        LongformerModel(LongformerConfig(attention_window=WINDOW, pad_token_id=1, **sizes)).save_pretrained(folder)
    else:
        XLMRobertaModel(XLMRobertaConfig(pad_token_id=1, **sizes)).save_pretrained(folder)
