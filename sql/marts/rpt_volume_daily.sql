-- All tokens of a day against what its weekday leads to expect. The ratio to the median of the same weekday in the 4
-- weeks before has growth in it, so it is compared with the median of such ratios over the 56 loaded days before. It is
-- unusual beyond 3.5 of their scaled median absolute deviations (Iglewicz and Hoaglin 1993), by a quarter or more.
-- grain: date
with weekdays as (
    select
        date,
        total_tokens,
        median(total_tokens) over same_weekday as weekday_tokens,
        count(*) over same_weekday as compared_weeks
    from intermediate.int_days
    where is_loaded
    window same_weekday as (partition by dayofweek(date) order by date rows between 4 preceding and 1 preceding)
),

ratios as (
    select
        date,
        total_tokens,
        weekday_tokens,
        if(compared_weeks >= 3, ln(total_tokens / nullif(weekday_tokens, 0)), null) as log_ratio
    from weekdays
    where total_tokens > 0
),

spread as (
    select
        date,
        total_tokens,
        weekday_tokens,
        log_ratio,
        median(log_ratio) over before as usual_log_ratio,
        mad(log_ratio) over before as deviation,
        count(log_ratio) over before as compared_days
    from ratios
    window before as (order by date rows between 56 preceding and 1 preceding)
)

select
    date,
    total_tokens, -- tokens of all public traffic
    weekday_tokens, -- median of the same weekday in the 4 weeks before
    weekday_tokens * exp(usual_log_ratio) as expected_tokens, -- the same, grown as it was of late
    exp(log_ratio - usual_log_ratio) as volume_ratio, -- total_tokens against expected_tokens
    compared_days, -- days before of which the ratio is known; nothing is unusual with less than 21
    coalesce(
        compared_days >= 21
        and abs(log_ratio - usual_log_ratio) > greatest(ln(1.25), 3.5 * deviation / 0.6745),
        false
    ) as is_unusual -- by the rule above
from spread
