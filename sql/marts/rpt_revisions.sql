-- What a day's first vintage said and what its last one says, for every day that was received more than once. Vintages
-- of another source, or imported ones beside fetched ones, are no restatement: those like the current one count. A
-- vintage is settled when its figures are as of two days after the day's start or later.
-- grain: date, model_permaslug
-- check: first_as_of <= last_as_of
with received as (
    select
        rankings.date,
        rankings.load_id,
        rankings.source,
        loads.origin is null as is_fetched,
        any_value(rankings.as_of) as as_of,
        any_value(rankings.fetched_at) as fetched_at
    from raw.rankings_daily as rankings
    inner join meta.loads as loads on rankings.load_id = loads.load_id
    group by rankings.date, rankings.load_id, rankings.source, loads.origin is null
),

current_vintages as (
    select distinct
        date,
        load_id
    from staging.stg_rankings_daily
),

vintages as (
    select
        received.date,
        received.load_id,
        received.as_of,
        row_number() over (
            partition by received.date
            order by received.as_of, received.fetched_at, received.load_id
        ) as vintage,
        count(*) over (partition by received.date) as vintages,
        received.date < received.as_of::date - 1 as is_settled
    from received
    inner join current_vintages on received.date = current_vintages.date
    inner join received as counting
        on current_vintages.date = counting.date and current_vintages.load_id = counting.load_id
    where received.source = counting.source and received.is_fetched = counting.is_fetched
),

numbered as (
    select
        *,
        min(vintage) filter (where is_settled) over (partition by date) as settled_vintage
    from vintages
),

first_and_last as (
    select
        rankings.date,
        rankings.model_permaslug,
        any_value(numbered.vintages) as vintages,
        max(rankings.total_tokens) filter (where numbered.vintage = 1) as first_tokens,
        max(rankings.total_tokens) filter (where numbered.vintage = numbered.settled_vintage) as settled_tokens,
        max(rankings.total_tokens) filter (where numbered.vintage = numbered.vintages) as last_tokens
    from raw.rankings_daily as rankings
    inner join numbered on rankings.date = numbered.date and rankings.load_id = numbered.load_id
    where numbered.vintages > 1
    group by rankings.date, rankings.model_permaslug
    having bool_or(numbered.vintage in (1, numbered.vintages))
),

days as (
    select
        date,
        min(as_of) as first_as_of,
        max(as_of) as last_as_of
    from vintages
    group by date
)

select
    first_and_last.date,
    first_and_last.model_permaslug, -- slug of the rankings, or `other`
    first_and_last.vintages::integer as vintages, -- times that the day was received
    days.first_as_of, -- instant (UTC) as of which the first vintage holds
    days.last_as_of, -- instant (UTC) as of which the last vintage holds
    first_and_last.first_tokens, -- tokens in the first vintage; null where it does not list the model
    first_and_last.last_tokens, -- tokens in the last vintage; null where it does not list the model
    first_and_last.last_tokens - first_and_last.first_tokens as change_tokens, -- last less first
    100 * (first_and_last.last_tokens / nullif(first_and_last.first_tokens, 0) - 1)
        as change_pct, -- last against first
    coalesce(first_and_last.last_tokens <> first_and_last.first_tokens, true) as is_restated, -- the figure changed
    first_and_last.settled_tokens, -- tokens in the first settled vintage; null where none is or does not list the model
    100 * (first_and_last.last_tokens / nullif(first_and_last.settled_tokens, 0) - 1)
        as settled_change_pct -- last against it: what is settled is not expected to change
from first_and_last
inner join days on first_and_last.date = days.date
