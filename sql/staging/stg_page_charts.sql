-- What each chart of each rankings page shows; of two readings of the same page and chart the pipeline's own counts,
-- then the newest.
-- grain: captured_at, chart, bucket_date, entity
select
    charts.captured_at,
    charts.chart,
    charts.bucket_date, -- first UTC day of the bucket, as published
    charts.entity,
    charts.value
from raw.page_charts as charts
inner join meta.loads as loads on charts.load_id = loads.load_id
qualify
    charts.load_id = first_value(charts.load_id) over (
        partition by charts.captured_at, charts.chart
        order by loads.origin is null desc, charts.fetched_at desc, charts.load_id desc
    )
