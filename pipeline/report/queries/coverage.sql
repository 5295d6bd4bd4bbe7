-- What is held of each source, week by week: the state that needs the most attention names the week.
-- Of captures no date is due, so that there is no number of dates.
select
    coverage.source,
    date_trunc('week', coverage.date)::date as week,
    if(
        any_value(sources.cadence) = 'capture',
        null,
        count(*) filter (where coverage.state not in ('before floor', 'not yet published'))
    )::integer as dates,
    (count(*) filter (where coverage.state = 'loaded'))::integer as loaded_dates,
    arg_min(
        coverage.state,
        list_position(['lost', 'missing', 'not yet published', 'loaded', 'before floor'], coverage.state)
    ) as state
from marts.rpt_coverage as coverage
inner join meta.sources as sources on coverage.source = sources.source
group by coverage.source, week
order by coverage.source, week
