"""Sentences: verdict, notes, doubts, titles, commands."""
