-- What is held of each source on each date, and why not where it is not. A date counts as loaded when all parts of the
-- source (pages, filters) are held that it can hold by then. Sources that were never read are not listed.
-- grain: source, date
with landed as (
    select
        source,
        min(first_date) as first_date,
        coalesce(
            min(fetched_at::date) filter (where origin is null), min(fetched_at::date)
        ) as first_fetched_date
    from meta.loads
    where outcome = 'landed'
    group by source
),

used as (
    select
        sources.source,
        sources.cadence,
        sources.has_past,
        sources.series,
        sources.published_after,
        sources.checked_at,
        case
            when sources.cadence = 'snapshot' then landed.first_fetched_date
            -- The past of what is read for comparison only is not wanted.
            when sources.yields_to in (select others.source from landed as others) then landed.first_date
            else sources.floor_date
        end as wanted_from_date
    from meta.sources as sources
    inner join landed on sources.source = landed.source
),

answers as (
    select
        loads.source,
        unnest(loads.series) as series,
        if(used.cadence = 'snapshot', loads.fetched_at::date, loads.first_date) as first_date,
        if(used.cadence = 'snapshot', loads.fetched_at::date, loads.last_date) as last_date
    from meta.loads as loads
    inner join used on loads.source = used.source
    where loads.outcome in ('landed', 'absent')
),

held as (
    select distinct
        source,
        series,
        unnest(generate_series(first_date, last_date, interval 1 day))::date as date
    from answers
    where first_date is not null
),

dates as (
    select
        source,
        series,
        unnest(generate_series(
            wanted_from_date,
            checked_at::date - case cadence when 'snapshot' then 0 when 'week' then 7 else 1 end,
            if(cadence = 'week', interval 7 day, interval 1 day)
        ))::date as date
    from used
    where cadence <> 'capture'
),

-- Where the parts vary (the ranked models), the answers of the day say how many were asked.
asked as (
    select
        source,
        fetched_at::date as date,
        max(asked_series) as parts
    from meta.loads
    where asked_series is not null
    group by source, fetched_at::date
),

varying as (
    select
        dates.source,
        dates.date,
        count(distinct held.series) as held_parts,
        any_value(asked.parts) as asked_parts
    from dates
    left join held on dates.source = held.source and dates.date = held.date
    left join asked on dates.source = asked.source and dates.date = asked.date
    where dates.series is null
    group by dates.source, dates.date
),

parts as (
    select
        dates.source,
        dates.date,
        unnest(dates.series) as series
    from dates
    where dates.series is not null
    union all
    select
        varying.source,
        varying.date,
        held.series
    from varying
    inner join held on varying.source = held.source and varying.date = held.date
    union all
    select
        source,
        date,
        unnest(list_transform(
            generate_series(1, greatest(coalesce(asked_parts, 0), 1) - held_parts), lambda number: 'part ' || number
        )) as series
    from varying
    union all
    select distinct
        held.source,
        held.date,
        held.series
    from held
    inner join used on held.source = used.source
    where used.cadence = 'capture'
),

cells as (
    select
        parts.source,
        parts.date,
        case
            when held.date is not null then 'loaded'
            when parts.date < floors.floor_date then 'before floor'
            when
                used.cadence <> 'snapshot'
                and parts.date + if(used.cadence = 'week', interval 7 day, interval 1 day) + used.published_after
                > used.checked_at
                then 'not yet published'
            when used.has_past or parts.date = used.checked_at::date then 'missing'
            else 'lost'
        end as state
    from parts
    inner join used on parts.source = used.source
    left join held on parts.source = held.source and parts.date = held.date and parts.series = held.series
    left join intermediate.int_floors as floors on parts.source = floors.source and parts.series = floors.series
)

select
    source,
    date, -- UTC day; a week's Monday; the day of retrieval of a snapshot
    case
        when bool_or(state = 'missing') then 'missing'
        when bool_or(state = 'lost') then 'lost'
        when bool_or(state = 'not yet published') then 'not yet published'
        when bool_or(state = 'loaded') then 'loaded'
        else 'before floor'
    end as state, -- loaded, missing (can be had), not yet published, before floor, or lost (can no longer be had)
    count(*) as series, -- parts of the source
    count(*) filter (where state in ('missing', 'lost', 'not yet published')) as missing_series -- parts not held
from cells
group by source, date
