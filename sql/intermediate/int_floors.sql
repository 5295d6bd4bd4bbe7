-- The first date that a series can hold, as far as answers have shown. A date that is held disproves a later floor: a
-- gap in what the source serves is not its end.
-- grain: source, series
with answers as (
    select
        source,
        unnest(series) as series,
        first_date,
        floor_date
    from meta.loads
    where outcome in ('landed', 'absent')
),

earliest as (
    select
        source,
        series,
        min(first_date) as first_date
    from answers
    group by source, series
)

select
    answers.source, -- name of the source
    answers.series, -- part of the source
    max(answers.floor_date) as floor_date -- nothing is published before it
from answers
inner join earliest on answers.source = earliest.source and answers.series = earliest.series
where answers.floor_date <= coalesce(earliest.first_date, answers.floor_date)
group by answers.source, answers.series
