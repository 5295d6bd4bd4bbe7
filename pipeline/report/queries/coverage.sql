-- What is held of each source, week by week: the state that needs the most attention names the week.
select
    source,
    date_trunc('week', date)::date as week,
    (count(*) filter (where state not in ('before floor', 'not yet published')))::integer as dates,
    (count(*) filter (where state = 'loaded'))::integer as loaded_dates,
    arg_min(
        state, list_position(['lost', 'missing', 'not yet published', 'loaded', 'before floor'], state)
    ) as state
from marts.rpt_coverage
group by source, week
order by source, week
