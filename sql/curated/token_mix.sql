-- Of which tokens the traffic consists, curated by hand: no public API tells prompt, cached and completion tokens of a
-- model apart. Whatever costs are estimated rests on these shares, for all models and days alike. Measured from June to
-- August 2026 on the totals over all models that OpenRouter's own rankings page shows, which are not documented.
-- grain: prompt_pct
-- check: least_prompt_pct <= prompt_pct and prompt_pct <= 100
-- check: cached_pct between 0 and 100
select
    curated.prompt_pct::double as prompt_pct, -- assumed share of prompt tokens in all tokens
    curated.least_prompt_pct::double as least_prompt_pct, -- least share of prompt tokens that was measured
    curated.cached_pct::double as cached_pct -- assumed share of prompt tokens that are read from the cache
from (
    values
    (
        97, -- measured: 96.4 % to 97.3 %
        96.4, -- the low end of it, where completions weigh most
        72 -- measured: 68 % to 77 % of the prompt tokens
    )
) as curated (prompt_pct, least_prompt_pct, cached_pct)
