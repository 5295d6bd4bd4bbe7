"""Readers of saved web pages."""
