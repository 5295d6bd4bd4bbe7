"""From OpenRouter's published rankings to daily token growth tables.

Reading order: `jobs` (what a run does), `sources` (what is asked and what an answer must hold), `archive`
(raw bytes), `warehouse` (landing and publishing), `models` (the SQL under `sql/`), `cli` (the commands).
"""
