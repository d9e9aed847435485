"""Embeds texts by Hugging Face tokenizers and ONNX Runtime, to compare with.

usage: oracle.py FOLDER < texts.json > golden.json

FOLDER holds model.onnx and tokenizer.json of all-MiniLM-L6-v2; the texts are a JSON list. The answer
is a list of {"text", "ids", "vector"}: ids of the tokens, and the mean of their vectors, of length 1,
as base64 of little-endian F32. all-MiniLM-L6-v2.json was made by it from sentences.json.
"""

import base64
import json
import os
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

folder = sys.argv[1]
tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
tokenizer.no_padding()
session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"))
answers = []
for text in json.load(sys.stdin):
    ids = tokenizer.encode(text).ids
    tokens = np.array([ids], dtype=np.int64)
    inputs = {
        "input_ids": tokens,
        "attention_mask": np.ones_like(tokens),
        "token_type_ids": np.zeros_like(tokens),
    }
    vector = session.run(None, inputs)[0][0].mean(axis=0)
    vector = (vector / np.linalg.norm(vector)).astype("<f4")
    answers.append(
        {"text": text, "ids": ids, "vector": base64.b64encode(vector.tobytes()).decode()}
    )
json.dump(answers, sys.stdout, ensure_ascii=True, separators=(",", ":"))
