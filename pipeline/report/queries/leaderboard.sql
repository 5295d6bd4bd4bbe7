-- The fifteen largest models of the newest day, with the tokens of each of the last 28 days: null where one is not
-- listed, which is not zero.
with newest as (
    select max(date) as date
    from marts.growth_total
),

days as (
    select dates.date
    from marts.dim_date as dates
    inner join newest on dates.date > newest.date - 28 and dates.date <= newest.date
),

model_days as (
    select
        *,
        min(date) over (partition by entity) as first_date
    from marts.fct_token_growth_daily
    where dimension = 'model'
),

top as (
    select *
    from model_days
    where rank <= 15
    qualify date = max(date) over ()
),

daily as (
    select
        top.entity,
        list(model_days.total_tokens order by days.date) as daily_tokens
    from top
    cross join days
    left join model_days on top.entity = model_days.entity and days.date = model_days.date
    group by top.entity
)

select
    top.dimension,
    top.date,
    top.rank,
    top.rank_change_7d,
    top.entity,
    top.total_tokens,
    top.share_pct,
    top.tokens_7d,
    top.tokens_7d_low,
    top.tokens_7d_high,
    top.growth_7d_pct,
    top.growth_7d_low_pct,
    top.growth_7d_high_pct,
    top.contribution_7d_pp,
    top.first_date,
    top.is_provisional,
    daily.daily_tokens
from top
inner join daily on top.entity = daily.entity
order by top.rank, top.entity
