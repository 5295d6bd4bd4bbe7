-- Why the tokens of all listed apps together changed over 7 and 28 days: of fct_app_decomposition, the sums over apps.
-- The effects add up to the change of tokens, the contributions to the change of the mean tokens of a request.
-- kind: view
-- grain: date, window_days
-- check: requests_effect_tokens + mix_effect_tokens + intensity_effect_tokens + listing_effect_tokens = change_tokens
with added as (
    select
        date,
        window_days,
        count(*) as apps,
        count(*) filter (where is_only_before) as apps_only_before,
        count(*) filter (where is_only_after) as apps_only_after,
        sum(tokens_before)::bigint as tokens_before,
        sum(tokens_after)::bigint as tokens_after,
        sum(change_tokens)::bigint as change_tokens,
        sum(requests_effect_tokens)::bigint as requests_effect_tokens,
        sum(mix_effect_tokens)::bigint as mix_effect_tokens,
        sum(intensity_effect_tokens)::bigint as intensity_effect_tokens,
        sum(listing_effect_tokens)::bigint as listing_effect_tokens,
        coalesce(sum(abs(change_tokens)) filter (where is_censored and listing_effect_tokens = 0), 0)::bigint
            as censored_change_tokens,
        sum(requests_before)::bigint as requests_before,
        sum(requests_after)::bigint as requests_after,
        round(sum(within_tokens_per_request), 9) as within_tokens_per_request,
        round(sum(mix_tokens_per_request), 9) as mix_tokens_per_request,
        round(sum(listing_tokens_per_request), 9) as listing_tokens_per_request,
        bool_or(is_provisional) as is_provisional
    from marts.fct_app_decomposition
    group by date, window_days
)

select
    date,
    window_days,
    apps, -- listed in either window
    apps_only_before, -- of these, below rank 200 in the window, or hidden
    apps_only_after, -- of these, below rank 200 in the window before, or hidden
    tokens_before, -- what is listed in the window before
    tokens_after, -- what is listed in the window
    change_tokens,
    requests_effect_tokens, -- as the apps of both windows have more or fewer requests
    mix_effect_tokens, -- as requests move between apps whose requests are longer and shorter
    intensity_effect_tokens, -- as requests within an app have more or fewer tokens
    listing_effect_tokens, -- of apps that are listed in one window only, which is no behaviour
    censored_change_tokens, -- changes without their signs of apps of both windows that are unlisted on a day of these
    requests_before, -- what is listed in the window before
    requests_after, -- what is listed in the window
    tokens_before / nullif(requests_before, 0) as tokens_per_request_before,
    tokens_after / nullif(requests_after, 0) as tokens_per_request,
    100 * ((tokens_after / nullif(requests_after, 0)) / nullif(tokens_before / nullif(requests_before, 0), 0) - 1)
        as tokens_per_request_growth_pct, -- the one against the other
    within_tokens_per_request, -- what longer or shorter requests within apps add to the mean
    mix_tokens_per_request, -- what shares of requests add, of apps of both windows
    listing_tokens_per_request, -- what apps of one window only add
    is_provisional
from added
