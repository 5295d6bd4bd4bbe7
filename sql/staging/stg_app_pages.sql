-- Which answer is current for each day and page of the app rankings: what the pipeline fetched wins over what was
-- imported, then the newest as_of. A first page that is not full settles the second one too, and so hides an older one.
-- grain: date, page
with settled as (
    select
        loads.first_date as date,
        unnest(loads.series) as page,
        loads.origin is null as is_fetched,
        loads.as_of,
        loads.fetched_at,
        loads.load_id
    from meta.loads as loads
    where
        loads.source = 'app-rankings'
        and loads.outcome in ('landed', 'absent')
        and loads.first_date is not null
)

select
    date, -- UTC day
    page, -- which page of the list: 1 holds ranks 1 to 100, 2 holds ranks 101 to 200
    is_fetched, -- the pipeline fetched the answer itself; it was not imported
    as_of,
    date >= as_of::date - 1 as is_provisional, -- as_of is on the day after, or before: may be restated
    fetched_at, -- instant (UTC) at which they were received
    load_id -- row of meta.loads
from settled
qualify row_number() over (
    partition by date, page
    order by is_fetched desc, as_of desc, fetched_at desc, load_id desc
) = 1
