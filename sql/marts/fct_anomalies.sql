-- Days that trend and weekday do not explain, with the events beside them: the modified z-scores of the remainders of
-- robust and of plain STL are above 3.5 (Iglewicz and Hoaglin 1993), and the difference is 0.1 % of all tokens of the
-- day or more. By the robust one alone noise would be unusual on one day in fourteen, by the plain one the days beside
-- an unusual one; by both it is one day of noise in a thousand. An event beside a day is an association, not a cause,
-- and the total has one beside nearly every day. A day's score may change as later days show the trend.
-- grain: dimension, entity, date
-- check: abs(modified_z) > 3.5
with spread as (
    select
        dimension,
        entity,
        stretch_start_date,
        median(log_remainder) as median_remainder,
        mad(log_remainder) as mad_remainder,
        median(log_plain_remainder) as median_plain_remainder,
        mad(log_plain_remainder) as mad_plain_remainder
    from fitted.decompositions
    group by dimension, entity, stretch_start_date
),

-- Where more than half of the remainders are the same, their spread is 0 and nothing can be told by it.
scored as (
    select
        series.dimension,
        series.entity,
        series.date,
        series.total_tokens,
        series.is_provisional,
        exp(parts.log_trend + parts.log_season) as expected_tokens,
        0.6745 * (parts.log_remainder - spread.median_remainder) / nullif(spread.mad_remainder, 0) as robust_z,
        0.6745 * (parts.log_plain_remainder - spread.median_plain_remainder) / nullif(spread.mad_plain_remainder, 0)
            as modified_z,
        totals.total_tokens as all_tokens
    from fitted.decompositions as parts
    inner join spread
        on
            parts.dimension = spread.dimension
            and parts.entity = spread.entity
            and parts.stretch_start_date = spread.stretch_start_date
    inner join fitted.series as series
        on parts.dimension = series.dimension and parts.entity = series.entity and parts.date = series.date
    inner join intermediate.int_days as totals on series.date = totals.date
),

unusual as (
    select *
    from scored
    where abs(modified_z) > 3.5 and abs(robust_z) > 3.5 and 1000 * abs(total_tokens - expected_tokens) >= all_tokens
),

dated as (
    select
        events.date,
        events.dimension,
        events.entity,
        models.author,
        models.organisation,
        greatest(events.tokens_7d_before, events.tokens_7d_after) as tokens,
        replace(events.kind, '_', ' ') || ' of ' || events.entity || ' on ' || events.date as event
    from marts.fct_events as events
    left join marts.dim_model as models on events.dimension = 'model' and events.entity = models.model_permaslug
    where events.dimension in ('model', 'total')
),

-- What happens to a model happens to those behind it, and to the total.
happened as (
    select
        'model' as dimension,
        entity,
        date,
        event,
        tokens
    from dated
    where dimension = 'model'
    union all
    select
        'author' as dimension,
        author as entity,
        date,
        event,
        tokens
    from dated
    where author is not null
    union all
    select
        'organisation' as dimension,
        organisation as entity,
        date,
        event,
        tokens
    from dated
    where organisation is not null
    union all
    select
        'total' as dimension,
        'all' as entity,
        date,
        event,
        tokens
    from dated
),

beside as (
    select
        unusual.dimension,
        unusual.entity,
        unusual.date,
        count(distinct happened.event) as events,
        max_by(happened.event, (coalesce(happened.tokens, 0), happened.event)) as largest_event
    from unusual
    inner join happened
        on
            unusual.dimension = happened.dimension
            and unusual.entity = happened.entity
            and happened.date between unusual.date - 2 and unusual.date + 2
    group by unusual.dimension, unusual.entity, unusual.date
)

select
    unusual.dimension,
    unusual.entity,
    unusual.date,
    unusual.total_tokens,
    unusual.expected_tokens, -- tokens of the day by trend and weekday
    100 * (unusual.total_tokens / unusual.expected_tokens - 1) as deviation_pct, -- the day against what was expected
    unusual.modified_z, -- of plain STL: 0.6745 times the remainder's distance from the median, in absolute deviations
    coalesce(beside.events, 0)::integer as events, -- of the entity or its models, from 2 days before to 2 days after
    beside.largest_event, -- the one of them with the most tokens in a week before or after, in words; null where none
    unusual.is_provisional
from unusual
left join beside
    on
        unusual.dimension = beside.dimension
        and unusual.entity = beside.entity
        and unusual.date = beside.date
