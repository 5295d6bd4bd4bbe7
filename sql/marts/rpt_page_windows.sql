-- The saved rankings pages against the daily rankings: the total of each page's week, next to that of the same days.
-- grain: captured_at
-- check: loaded_days between 0 and 7
with weeks as (
    select
        captured_at,
        window_start_date,
        window_end_date,
        sum(total_tokens)::bigint as page_tokens
    from marts.fct_page_model_windows
    where ranking_window = 'week'
    group by captured_at, window_start_date, window_end_date
),

compared as (
    select
        weeks.captured_at,
        weeks.window_start_date,
        weeks.window_end_date,
        weeks.page_tokens,
        count(days.date) as loaded_days,
        case when count(days.date) = 7 then sum(days.total_tokens) end::bigint as daily_tokens
    from weeks
    left join intermediate.int_days as days
        on days.date between weeks.window_start_date and weeks.window_end_date and days.is_loaded
    group by weeks.captured_at, weeks.window_start_date, weeks.window_end_date, weeks.page_tokens
)

select
    captured_at,
    window_start_date, -- first UTC day of the page's week
    window_end_date, -- last UTC day of the page's week
    page_tokens, -- prompt and completion tokens of all models and variants of the page
    loaded_days, -- days of the week of which the daily rankings are held
    daily_tokens, -- tokens of the same days by the daily rankings, `other` included; null unless all 7 are held
    page_tokens - daily_tokens as difference_tokens, -- how much more the page says
    100 * (page_tokens - daily_tokens) / nullif(daily_tokens, 0)::double
        as difference_pct -- the same, of daily_tokens; some hundredths are usual
from compared
