-- What each source of the daily rankings says of a day's total, current vintage of each: what the pipeline fetched wins
-- over what was imported, then the newest as_of.
-- grain: source, date
-- check: total_tokens >= 0
with vintages as (
    select
        rankings.source,
        rankings.date,
        arg_max(
            rankings.load_id, (loads.origin is null, rankings.as_of, rankings.fetched_at, rankings.load_id)
        ) as load_id
    from raw.rankings_daily as rankings
    inner join meta.loads as loads on rankings.load_id = loads.load_id
    group by rankings.source, rankings.date
)

select
    rankings.source, -- rankings-daily or exports
    rankings.date,
    sum(rankings.total_tokens)::bigint as total_tokens, -- tokens of all public traffic, `other` included
    rankings.date >= any_value(rankings.as_of)::date - 1
        as is_provisional -- as_of is on the day after, or before: may be restated
from raw.rankings_daily as rankings
inner join vintages
    on
        rankings.source = vintages.source
        and rankings.date = vintages.date
        and rankings.load_id = vintages.load_id
group by rankings.source, rankings.date
