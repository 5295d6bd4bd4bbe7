-- What a day's first vintage said and what its last one says, for every day that was received more than once. Vintages
-- of another source, or imported ones beside fetched ones, are no restatement: those like the current one count.
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
        count(*) over (partition by received.date) as vintages
    from received
    inner join current_vintages on received.date = current_vintages.date
    inner join received as counting
        on current_vintages.date = counting.date and current_vintages.load_id = counting.load_id
    where received.source = counting.source and received.is_fetched = counting.is_fetched
),

first_and_last as (
    select
        rankings.date,
        rankings.model_permaslug,
        any_value(vintages.vintages) as vintages,
        max(rankings.total_tokens) filter (where vintages.vintage = 1) as first_tokens,
        max(rankings.total_tokens) filter (where vintages.vintage = vintages.vintages) as last_tokens
    from raw.rankings_daily as rankings
    inner join vintages on rankings.date = vintages.date and rankings.load_id = vintages.load_id
    where vintages.vintages > 1 and vintages.vintage in (1, vintages.vintages)
    group by rankings.date, rankings.model_permaslug
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
    first_and_last.date, -- UTC day
    first_and_last.model_permaslug, -- slug of the rankings, or `other`
    first_and_last.vintages::integer as vintages, -- times that the day was received
    days.first_as_of, -- instant (UTC) as of which the first vintage holds
    days.last_as_of, -- instant (UTC) as of which the last vintage holds
    first_and_last.first_tokens, -- tokens in the first vintage; null where it does not list the model
    first_and_last.last_tokens, -- tokens in the last vintage; null where it does not list the model
    first_and_last.last_tokens - first_and_last.first_tokens as change_tokens, -- last less first
    100 * (first_and_last.last_tokens / nullif(first_and_last.first_tokens, 0) - 1)
        as change_pct, -- last against first
    coalesce(first_and_last.last_tokens <> first_and_last.first_tokens, true) as is_restated -- the figure changed
from first_and_last
inner join days on first_and_last.date = days.date
