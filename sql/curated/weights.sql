-- Models whose weights the catalogue cannot tell or tells wrongly, curated by hand; it wins over the catalogue. The
-- embedding models below are ranked, but are not in a catalogue of models with text output.
-- grain: canonical_slug
-- check: weights in ('open_candidate', 'proprietary')
select
    curated.canonical_slug::varchar as canonical_slug, -- slug of the rankings without its variant
    curated.weights::varchar as weights, -- open_candidate or proprietary
    curated.reason::varchar as reason -- why
from (
    values
    ('baai/bge-m3-20251117', 'open_candidate', 'published on Hugging Face under the MIT licence'),
    ('google/gemini-embedding-001', 'proprietary', 'served by Google only'),
    ('openai/text-embedding-3-large', 'proprietary', 'served by OpenAI and Azure only'),
    ('openai/text-embedding-3-small', 'proprietary', 'served by OpenAI and Azure only'),
    ('qwen/qwen3-embedding-8b', 'open_candidate', 'published on Hugging Face under the Apache 2.0 licence')
) as curated (canonical_slug, weights, reason)
