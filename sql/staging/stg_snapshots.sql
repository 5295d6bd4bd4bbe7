-- The answer that counts for a part of a source on the day of its retrieval: what the pipeline fetched wins over what
-- was imported, then the newest that settles it. A later answer that says that a part is empty, or gone, therefore
-- hides the rows of an earlier one. Sources that serve the present only are dated by it.
-- grain: date, source, series
with settled as (
    select
        loads.fetched_at::date as date,
        loads.source,
        unnest(loads.series) as series,
        loads.origin is null as is_fetched,
        loads.fetched_at,
        loads.load_id
    from meta.loads as loads
    where loads.outcome in ('landed', 'absent')
)

select
    date, -- UTC day of retrieval
    source,
    series, -- part of the source
    bool_or(is_fetched) as is_fetched, -- the pipeline fetched it itself; else it was imported
    arg_max(load_id, (is_fetched, fetched_at, load_id)) as load_id -- row of meta.loads
from settled
group by date, source, series
