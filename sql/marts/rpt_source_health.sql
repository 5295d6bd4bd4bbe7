-- How each source fares that the pipeline asked, as of the build: fresh, still understood, of the usual size. Fresh is
-- one whose newest date that was due is held; of a snapshot that of the day before, as today's may come yet. Rows are
-- counted a date and part, so that a run and a backfill compare: those received on the newest day of retrieval against
-- the median of up to 14 such days before. Less than half or more than twice of it is unusual, given 3 days or more.
-- grain: source
-- check: freshness in ('fresh', 'stale', 'not judged')
-- check: verdict in ('ok', 'stale', 'refused', 'drifted', 'unusual volume')
with answers as (
    select
        loads.source,
        loads.load_id,
        loads.outcome,
        loads.message,
        -- Of all that is said only this, which stays the same from answer to answer.
        loads.source || ' ' || nullif(
            rtrim(regexp_extract(loads.warnings, 'holds unknown (fields|columns): .*?\.( |$)')), ''
        ) as warning,
        loads.fetched_at,
        loads.fetched_at::date as fetched_date,
        loads.landed_rows,
        len(loads.series) * case sources.cadence
            when 'day' then loads.last_date - loads.first_date + 1
            when 'week' then (loads.last_date - loads.first_date) // 7 + 1
            else 1
        end as parts
    from meta.loads as loads
    inner join meta.sources as sources on loads.source = sources.source
    where loads.origin is null
),

newest as (
    select
        source,
        max(fetched_at) as newest_answer_at,
        arg_max(outcome, (fetched_at, load_id)) = 'refused' as is_last_refused,
        arg_max(message, (fetched_at, load_id)) as last_message
    from answers
    group by source
),

landed as (
    select distinct source
    from answers
    where outcome = 'landed'
),

mornings as (
    select
        source,
        fetched_date,
        sum(landed_rows)::double / sum(parts) as rows_per_part,
        arg_max(warning, (fetched_at, load_id)) filter (where warning is not null) as warning,
        row_number() over (partition by source order by fetched_date desc) as place
    from answers
    where outcome = 'landed' and parts > 0
    group by source, fetched_date
),

volumes as (
    select
        source,
        any_value(fetched_date) filter (where place = 1) as fetched_date,
        any_value(rows_per_part) filter (where place = 1) as rows_per_part,
        median(rows_per_part) filter (where place between 2 and 15) as typical_rows_per_part,
        count(*) filter (where place between 2 and 15) as compared_days,
        any_value(warning) filter (where place = 1) as warning
    from mornings
    group by source
),

warned as (
    select
        source,
        warning,
        min(fetched_at) as warned_since
    from answers
    where warning is not null
    group by source, warning
),

dates as (
    select
        coverage.source,
        max(coverage.date) filter (where coverage.state = 'loaded') as newest_date,
        max(coverage.date) filter (where coverage.state <> 'not yet published') as due_date,
        arg_max(coverage.state, coverage.date) filter (where coverage.state <> 'not yet published') as due_state
    from marts.rpt_coverage as coverage
    inner join meta.sources as sources on coverage.source = sources.source
    where
        sources.cadence <> 'snapshot'
        or coverage.state = 'loaded'
        or coverage.date < sources.checked_at::date
    group by coverage.source
),

judged as (
    select
        newest.source,
        sources.cadence,
        newest.newest_answer_at,
        date_diff('minute', newest.newest_answer_at, sources.checked_at) / 60 as age_hours,
        dates.newest_date,
        dates.due_date,
        case
            when sources.cadence = 'capture' or dates.due_state is null then 'not judged'
            when sources.yields_to in (select landed.source from landed) then 'not judged'
            when dates.due_state in ('missing', 'lost') then 'stale'
            else 'fresh'
        end as freshness,
        volumes.fetched_date,
        volumes.rows_per_part,
        volumes.typical_rows_per_part,
        volumes.compared_days,
        volumes.rows_per_part / nullif(volumes.typical_rows_per_part, 0) as volume_ratio,
        volumes.warning,
        warned.warned_since,
        newest.is_last_refused,
        if(newest.is_last_refused, newest.last_message, null) as last_refusal
    from newest
    inner join meta.sources as sources on newest.source = sources.source
    left join dates on newest.source = dates.source
    left join volumes on newest.source = volumes.source
    left join warned on volumes.source = warned.source and volumes.warning = warned.warning
),

measured as (
    select
        *,
        coalesce(
            compared_days >= 3 and cadence <> 'capture' and (volume_ratio < 0.5 or volume_ratio > 2), false
        ) as is_unusual_volume
    from judged
)

select
    source,
    newest_answer_at, -- instant (UTC) of its newest answer that was not imported, refused ones included
    age_hours, -- hours from then to the build
    newest_date, -- newest date that is held in full
    due_date, -- newest date that was due at the build
    freshness, -- fresh, stale (the due date is not held), or not judged (captures, and what is read to compare)
    fetched_date, -- newest day of retrieval of which rows landed
    rows_per_part, -- rows a date and part of the source received on that day
    typical_rows_per_part, -- median of the same over up to 14 days of retrieval before
    coalesce(compared_days, 0) as compared_days, -- how many these are
    volume_ratio, -- rows_per_part against typical_rows_per_part
    is_unusual_volume, -- the ratio is below 0.5 or above 2, and 3 days or more are compared
    warning, -- fields or columns of an answer of the newest day of retrieval that its contract does not know
    warned_since, -- instant (UTC) at which this was first said
    is_last_refused, -- that answer is refused: it broke its contract, or could not be read
    last_refusal, -- why
    case
        when freshness = 'stale' then 'stale'
        when is_last_refused then 'refused'
        when warning is not null then 'drifted'
        when is_unusual_volume then 'unusual volume'
        else 'ok'
    end as verdict -- the gravest of what is found: stale, refused, drifted, unusual volume; else ok
from measured
