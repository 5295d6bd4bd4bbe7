-- Tokens of whole weeks by model since November 2024, from the chart of the saved rankings pages: some nine models a
-- week under their names, and all others together. Before 2025 there is no other source.
-- grain: week_start_date, model_permaslug
-- check: total_tokens >= 0
select
    charts.bucket_date as week_start_date, -- first UTC day of the week, as published: a Monday
    charts.bucket_date + 6 as week_end_date, -- last UTC day of the week
    if(lower(charts.entity) = 'others', 'other', charts.entity)
        as model_permaslug, -- slug of the rankings, with `:variant`; `other` is all that is not named in this week
    sum(round(charts.value))::bigint as total_tokens, -- prompt and completion tokens in the week
    charts.captured_at -- instant (UTC) at which the page was saved
from staging.stg_page_charts as charts
inner join intermediate.int_page_weeks as weeks
    on
        charts.chart = weeks.chart
        and charts.captured_at = weeks.captured_at
        and charts.bucket_date = weeks.week_start_date
where charts.chart = 'models'
group by charts.bucket_date, charts.captured_at, model_permaslug
