"""Recordings and motion files turned into a dataset that training streams from disk."""
