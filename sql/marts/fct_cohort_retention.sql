-- How the tokens of the models that were launched in one month last: tokens a day in each month since then, against
-- month 1, because month 0 is cut by the launch days. This is persistence of models and not retention of users, of whom
-- public data has none. A cohort is of the models that were ever listed, by the launch day of their own catalogue row,
-- else by their first listing; a model of unknown launch that is listed on the first loaded day has no cohort and is
-- left out. A model that is not listed on a day has at most the cut-off, and all of a cohort together at most `other`.
-- grain: cohort_month, months_since_launch
-- check: months_since_launch >= 0
-- check: models > 0 and ranked_models <= models
-- check: tokens_per_day_low <= tokens_per_day_high
-- check: retention_listed_pct between retention_low_pct - 1e-9 and retention_high_pct + 1e-9
-- check: retention_low_pct <= retention_high_pct + 1e-9
-- check: months_since_launch > 0 or retention_low_pct is null
with launched as (
    select
        matches.item_id,
        matches.created_date is not null as is_launch_known,
        date_trunc('month', least(matches.created_date, matches.first_listed_date))::date as cohort_month
    from intermediate.int_model_matches as matches
    inner join intermediate.int_days as first on first.day_number = 0
    where
        matches.first_listed_date is not null
        and (matches.created_date is not null or matches.first_listed_date > first.date)
),

days as (
    select
        day_number,
        date,
        date_trunc('month', date)::date as month,
        other_tokens,
        cutoff_tokens,
        is_provisional
    from intermediate.int_board_days
    where board = 'rankings' and is_loaded
),

listed as (
    select
        launched.cohort_month,
        launched.item_id,
        days.day_number,
        days.month,
        listings.total_tokens
    from intermediate.int_listings as listings
    inner join launched on listings.item_id = launched.item_id
    inner join days on listings.day_number = days.day_number
),

cohorts as (
    select
        cohort_month,
        count(*) as models,
        100 * count(*) filter (where is_launch_known) / count(*) as known_launch_pct
    from launched
    group by cohort_month
),

listed_days as (
    select
        cohort_month,
        day_number,
        count(*) as listed_models,
        sum(total_tokens)::bigint as listed_tokens
    from listed
    group by cohort_month, day_number
),

listed_months as (
    select
        cohort_month,
        month,
        count(distinct item_id) as ranked_models
    from listed
    group by cohort_month, month
),

-- A cohort has a row for each of its days, also for those on which none of it is listed.
months as (
    select
        cohorts.cohort_month,
        days.month,
        any_value(cohorts.models) as models,
        any_value(cohorts.known_launch_pct) as known_launch_pct,
        count(*) as loaded_days,
        bool_or(days.is_provisional) as is_provisional,
        coalesce(sum(listed_days.listed_tokens), 0)::bigint as low_tokens,
        sum(
            coalesce(listed_days.listed_tokens, 0)
            + least(
                days.other_tokens,
                (cohorts.models - coalesce(listed_days.listed_models, 0)) * days.cutoff_tokens
            )
        )::bigint as high_tokens
    from cohorts
    inner join days on cohorts.cohort_month <= days.month
    left join listed_days
        on cohorts.cohort_month = listed_days.cohort_month and days.day_number = listed_days.day_number
    group by cohorts.cohort_month, days.month
),

measured as (
    select
        months.*,
        date_diff('month', months.cohort_month, months.month)::integer as months_since_launch,
        months.loaded_days = day(last_day(months.month)) as is_whole_month,
        coalesce(listed_months.ranked_models, 0) as ranked_models,
        months.low_tokens / months.loaded_days as tokens_per_day_low,
        months.high_tokens / months.loaded_days as tokens_per_day_high
    from months
    left join listed_months
        on months.cohort_month = listed_months.cohort_month and months.month = listed_months.month
),

bases as (
    select
        cohort_month,
        months_since_launch,
        tokens_per_day_low,
        tokens_per_day_high,
        is_provisional
    from measured
    where months_since_launch = 1 and is_whole_month
)

select
    measured.cohort_month, -- first UTC day of the month of launch
    measured.months_since_launch, -- 0 is the month of launch
    measured.models, -- of the cohort, ever listed
    measured.known_launch_pct, -- of these, whose launch day a catalogue tells; the others are dated by first listing
    measured.ranked_models, -- of the cohort, listed on a day of the month
    100 * measured.ranked_models / measured.models as ranked_models_pct, -- the same, of all of them
    measured.tokens_per_day_low, -- at least: what is listed, on the mean of the loaded days
    measured.tokens_per_day_high, -- at most: with what those may have that are not listed
    100 * measured.tokens_per_day_low / nullif(bases.tokens_per_day_low, 0)
        as retention_listed_pct, -- of what is listed, against month 1; null unless all days of that are loaded
    if(
        measured.months_since_launch = bases.months_since_launch,
        100,
        100 * measured.tokens_per_day_low / nullif(bases.tokens_per_day_high, 0)
    ) as retention_low_pct, -- at least
    if(
        measured.months_since_launch = bases.months_since_launch,
        100,
        100 * measured.tokens_per_day_high / nullif(bases.tokens_per_day_low, 0)
    ) as retention_high_pct, -- at most; null where unbounded
    measured.is_whole_month, -- all days of the month are loaded
    measured.is_provisional or coalesce(bases.is_provisional, false)
        as is_provisional -- a day of the month, or of month 1, may still be restated
from measured
left join bases
    on
        measured.cohort_month = bases.cohort_month
        and measured.months_since_launch >= bases.months_since_launch
