-- Tokens of whole weeks by author since November 2024, from the market shares of the saved rankings pages: some nine
-- authors a week under their names, and all others together. Pages of 2025 begin these weeks with a Sunday, later
-- ones with a Monday: weeks are as published, none shares a day with another, and they are not those of the models.
-- grain: week_start_date, author
-- check: total_tokens >= 0
select
    charts.bucket_date as week_start_date, -- first UTC day of the week, as published: a Sunday or a Monday
    charts.bucket_date + 6 as week_end_date, -- last UTC day of the week
    dayname(charts.bucket_date) as week_starts_on, -- weekday of week_start_date
    if(lower(charts.entity) = 'others', 'other', charts.entity)
        as author, -- namespace before the slash, as published; `other` is all that is not named in this week
    sum(round(charts.value))::bigint as total_tokens, -- prompt and completion tokens in the week
    charts.captured_at -- instant (UTC) at which the page was saved
from staging.stg_page_charts as charts
inner join intermediate.int_page_weeks as weeks
    on
        charts.chart = weeks.chart
        and charts.captured_at = weeks.captured_at
        and charts.bucket_date = weeks.week_start_date
where charts.chart = 'authors'
group by charts.bucket_date, charts.captured_at, author
