-- Claim 7: context windows and chat histories grow. The 7 days that end on the newest day with all context buckets
-- against 7 days a year (364 days) earlier, else 28 days earlier, else as early as there are any, 28 days at least.
-- kind: view
-- grain: claim_id
with weeks as (
    select
        date,
        100 * sum(tokens_7d) filter (where entity in ('1M', '10M'))::double / nullif(sum(tokens_7d), 0) as long_pct,
        bool_or(is_provisional) as is_provisional
    from marts.fct_token_growth_daily
    where dimension = 'context_bucket' and entity <> 'other'
    group by date
    having count(tokens_7d) = 5
),

newest as (
    select
        max(date) as date,
        arg_max(long_pct, date) as long_pct,
        arg_max(is_provisional, date) as is_provisional
    from weeks
),

earlier as (
    select
        any_value(date) as date,
        any_value(long_pct) as long_pct
    from (
        select
            weeks.date,
            weeks.long_pct
        from weeks
        cross join newest
        where weeks.date <= newest.date - 28
        qualify row_number() over (
            order by weeks.date = newest.date - 364 desc, weeks.date = newest.date - 28 desc, weeks.date asc
        ) = 1
    ) as reached
),

requests as (
    select
        sum(apps.app_tokens) filter (where apps.date > newest.date - 7)::double
        / nullif(sum(apps.app_requests) filter (where apps.date > newest.date - 7), 0) as tokens_per_request,
        sum(apps.app_tokens) filter (where apps.date <= earlier.date)::double
        / nullif(sum(apps.app_requests) filter (where apps.date <= earlier.date), 0) as tokens_per_request_before,
        count(*) = 14 as is_whole
    from marts.fct_app_residual_daily as apps
    cross join newest
    cross join earlier
    where
        apps.is_whole
        and (
            apps.date between newest.date - 6 and newest.date
            or apps.date between earlier.date - 6 and earlier.date
        )
),

-- Longer requests within apps are one thing, more requests of apps whose requests are long another.
explained as (
    select
        any_value(tokens_per_request_growth_pct) as growth_pct,
        100 * any_value(within_tokens_per_request) / nullif(any_value(tokens_per_request_before), 0) as within_pp,
        100 * any_value(mix_tokens_per_request) / nullif(any_value(tokens_per_request_before), 0) as mix_pp,
        100 * any_value(listing_tokens_per_request) / nullif(any_value(tokens_per_request_before), 0) as listing_pp
    from marts.rpt_app_growth_explained
    where window_days = 28 and date = (select newest.date from newest)
),

figures as (
    select
        if(earlier.date is null, null, newest.date) as as_of_date,
        earlier.date as earlier_date,
        earlier.long_pct as earlier_pct,
        newest.long_pct,
        newest.long_pct - earlier.long_pct as change_pp,
        newest.is_provisional,
        if(requests.is_whole, requests.tokens_per_request, null) as tokens_per_request,
        if(requests.is_whole, requests.tokens_per_request_before, null) as tokens_per_request_before,
        explained.growth_pct,
        explained.within_pp,
        explained.mix_pp,
        explained.listing_pp
    from newest
    cross join earlier
    cross join requests
    cross join explained
)

select
    '7' as claim_id, -- number of the claim
    'Longer contexts and chat histories raise the tokens of a request' as claim, -- in short
    'A' as grade, -- A exact, B estimate or proxy, C not public
    'fct_token_growth_daily, fct_app_residual_daily, rpt_app_growth_explained' as tables, -- marts behind it
    'change of the share of the context buckets 1M and 10M in all tokens, of 7 days' as measure, -- what the value is
    'pp' as unit, -- unit of the value
    change_pp as value, -- the figure
    change_pp as value_low, -- at least
    change_pp as value_high, -- at most
    as_of_date, -- UTC day of the figure
    coalesce(as_of_date is not null and is_provisional, false) as is_provisional, -- the figure may still be restated
    case
        when as_of_date is null then 'no data'
        when change_pp >= 1 and coalesce(tokens_per_request >= tokens_per_request_before, true) then 'supported'
        when change_pp < 1 and coalesce(tokens_per_request < tokens_per_request_before, true) then 'not supported'
        else 'mixed'
    end as verdict, -- what the rule makes of the figure
    'Supported where the share of the two longest buckets rose by 1 pp or more and the tokens of a request of listed '
    || 'apps did not fall, not supported where neither holds, mixed where one does. Where no apps are loaded the share '
    || 'alone decides.' as rule, -- which figures give which verdict
    concat_ws(
        ' ',
        if(as_of_date is null, 'No two weeks with all context buckets are loaded, 28 days apart or more.', null),
        format(
            'The two longest context buckets, 1M and 10M, had {:.1f} % of all tokens in the 7 days until {}, after '
            || '{:.1f} % in the 7 days until {} ({:+.1f} pp).',
            long_pct,
            as_of_date,
            earlier_pct,
            earlier_date,
            change_pp
        ),
        format(
            'A request of the listed apps had {:,} tokens on average in these 7 days, and {:,} in the earlier ones.',
            round(tokens_per_request)::bigint,
            round(tokens_per_request_before)::bigint
        ),
        format(
            'Between the last 28 days and the 28 before, the tokens of a request of listed apps changed by {:+.1f} %: '
            || '{:+.1f} pp within apps, {:+.1f} pp as requests moved between apps, and {:+.1f} pp as apps entered or '
            || 'left the list.',
            growth_pct,
            within_pp,
            mix_pp,
            listing_pp
        ),
        'Public data cannot decide how long single chats are, or how much of a request is history.'
    ) as finding -- the figures in words
from figures
