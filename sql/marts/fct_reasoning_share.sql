-- What is known of reasoning, by two bases that are never to be mixed. `capability`: the share of a day's tokens that
-- went to models which can reason by the catalogue. It bounds where reasoning may happen and says nothing
-- of how much does. `page_window`: the prompt, completion and reasoning tokens that a saved rankings page states for a
-- trailing window; pages overlap. source_at is part of the grain, because two pages of one day describe the same
-- windows; it is null for neither basis.
-- grain: basis, window_start_date, window_end_date, source_at
-- check: window_start_date <= window_end_date
-- check: capable_share_low_pct between 0 and capable_share_high_pct
-- check: capable_share_high_pct <= 100 + 1e-9
-- check: abs(prompt_share_pct + completion_share_pct - 100) < 1e-9
-- check: reasoning_share_pct between 0 and completion_share_pct + 1e-9
with days as (
    select
        dates.date,
        dates.as_of,
        dates.is_provisional,
        dates.total_tokens,
        coalesce(sum(growth.total_tokens) filter (where growth.entity = 'capable'), 0)::bigint as capable_tokens,
        coalesce(sum(growth.total_tokens) filter (where growth.entity in ('unknown', 'other')), 0)::bigint
            as unknown_tokens
    from marts.dim_date as dates
    inner join marts.fct_token_growth_daily as growth on dates.date = growth.date and growth.dimension = 'reasoning'
    group by dates.date, dates.as_of, dates.is_provisional, dates.total_tokens
),

windows as (
    select
        captured_at,
        ranking_window,
        window_start_date,
        window_end_date,
        sum(total_tokens)::bigint as total_tokens,
        sum(prompt_tokens)::bigint as prompt_tokens,
        sum(completion_tokens)::bigint as completion_tokens,
        coalesce(sum(reasoning_tokens), 0)::bigint as reasoning_tokens
    from marts.fct_page_model_windows
    group by captured_at, ranking_window, window_start_date, window_end_date
),

-- OpenRouter has set the field to 0 for all models. Where any window of a page has no reasoning at all, the figures
-- had stopped, and a longer window that still has some is short of them. Reasoning is part of the output.
pages as (
    select
        *,
        if(
            min(reasoning_tokens) over (partition by captured_at) > 0 and reasoning_tokens <= completion_tokens,
            reasoning_tokens,
            null
        )
            as stated_reasoning_tokens
    from windows
),

both_bases as (
    select
        'capability' as basis,
        'day' as ranking_window,
        date as window_start_date,
        date as window_end_date,
        as_of as source_at,
        total_tokens,
        100 * capable_tokens::double / nullif(total_tokens, 0) as capable_share_low_pct,
        100 * (capable_tokens + unknown_tokens)::double / nullif(total_tokens, 0) as capable_share_high_pct,
        100 * unknown_tokens::double / nullif(total_tokens, 0) as unknown_share_pct,
        null as prompt_share_pct,
        null as completion_share_pct,
        null as reasoning_share_pct,
        null as reasoning_of_completion_pct,
        is_provisional
    from days
    union all
    select
        'page_window' as basis,
        ranking_window,
        window_start_date,
        window_end_date,
        captured_at as source_at,
        total_tokens,
        null as capable_share_low_pct,
        null as capable_share_high_pct,
        null as unknown_share_pct,
        100 * prompt_tokens::double / nullif(total_tokens, 0) as prompt_share_pct,
        100 * completion_tokens::double / nullif(total_tokens, 0) as completion_share_pct,
        100 * stated_reasoning_tokens::double / nullif(total_tokens, 0) as reasoning_share_pct,
        100 * stated_reasoning_tokens::double / nullif(completion_tokens, 0) as reasoning_of_completion_pct,
        false as is_provisional
    from pages
)

select
    basis, -- capability (models that can reason, by day) or page_window (tokens that a saved page states)
    ranking_window, -- day, or the page's trailing window: day, week or month
    window_start_date,
    window_end_date,
    source_at, -- instant (UTC) as of which the source states the day's figures, or at which the page was saved
    total_tokens, -- prompt and completion tokens of all models in the window
    capable_share_low_pct, -- tokens of listed models that can reason, of all tokens: at least; null for pages
    capable_share_high_pct, -- at most: with the models that no catalogue knows and all of `other`; null for pages
    unknown_share_pct, -- tokens of models that no catalogue knows and of `other`, of all; null for pages
    prompt_share_pct, -- share of tokens sent; null for capability
    completion_share_pct, -- share of tokens received, reasoning among them; null for capability
    reasoning_share_pct, -- share of reasoning tokens, at least: providers that count none add none; null if unknown
    reasoning_of_completion_pct, -- the same, of tokens received
    is_provisional -- the day may be restated; never so for a saved page, which stays as it is
from both_bases
