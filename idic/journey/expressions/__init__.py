"""Conditions and values: parse them, infer their types, evaluate them."""
