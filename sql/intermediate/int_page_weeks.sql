-- The weeks of the charts by model and by author, each from the page that counts: what the pipeline fetched before what
-- was imported, then the newest that shows the week whole. Left out are the oldest bucket of a chart, which is cut, and
-- those that were running when the page was saved. Pages may begin their weeks on another weekday: of two weeks that
-- share days the one of the page that counts stays, so that none is counted twice; where the weekday changes a few days
-- belong to no week.
-- grain: chart, week_start_date
with buckets as (
    select distinct
        charts.chart,
        charts.captured_at,
        charts.bucket_date,
        captures.window_end_date,
        captures.is_fetched
    from staging.stg_page_charts as charts
    inner join staging.stg_page_captures as captures on charts.captured_at = captures.captured_at
    where charts.chart in ('models', 'authors')
),

weekly as (
    select
        chart,
        captured_at,
        bucket_date,
        window_end_date,
        is_fetched,
        bucket_date = min(bucket_date) over chart_of_page as is_oldest
    from buckets
    window chart_of_page as (partition by chart, captured_at)
    qualify min(isodow(bucket_date)) over chart_of_page = max(isodow(bucket_date)) over chart_of_page
),

whole as (
    select
        chart,
        bucket_date as week_start_date,
        arg_max(captured_at, (is_fetched, captured_at)) as captured_at,
        bool_or(is_fetched) as is_fetched
    from weekly
    where not is_oldest and bucket_date + 6 <= window_end_date
    group by chart, bucket_date
)

select
    chart, -- models or authors
    week_start_date, -- first UTC day of the week, as published
    captured_at -- the page that counts
from whole
where not exists (
    select 1
    from whole as other
    where
        other.chart = whole.chart
        and (other.is_fetched, other.captured_at) > (whole.is_fetched, whole.captured_at)
        and other.week_start_date between whole.week_start_date - 6 and whole.week_start_date + 6
)
