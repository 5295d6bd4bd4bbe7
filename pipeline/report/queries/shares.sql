-- Shares of all tokens by organisation: the six largest of the last 28 days, the others, and what is not listed.
with days as (
    select
        date,
        entity,
        total_tokens,
        share_pct,
        is_provisional,
        date > max(date) over () - 28 as is_recent
    from marts.fct_token_growth_daily
    where dimension = 'organisation' and total_tokens is not null
),

ranked as (
    select
        entity,
        row_number() over (order by sum(total_tokens) desc, entity asc) as position
    from days
    where is_recent and entity <> 'other'
    group by entity
),

placed as (
    select
        days.date,
        days.entity,
        days.share_pct,
        days.is_provisional,
        case
            when days.entity = 'other' then 8
            when ranked.position <= 6 then ranked.position
            else 7
        end as position
    from days
    left join ranked on days.entity = ranked.entity
)

select
    date,
    case position when 8 then 'not listed' when 7 then 'other organisations' else entity end as organisation,
    position::integer as position,
    sum(share_pct)::double as share_pct,
    bool_or(is_provisional) as is_provisional
from placed
group by all
order by date, position
