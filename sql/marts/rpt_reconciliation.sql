-- Every comparison of two independent figures for the same thing, with a verdict by a stated tolerance.
-- exports: a day's total by the Data API against that by the official exports, within 0.05 %.
-- page weeks: seven days of the daily rankings against the week of a saved rankings page, within 0.5 %.
-- contexts: the sum of the five context buckets of a day against its total, to the token.
-- apps: the tokens of the listed apps of a day against its total, which they must not exceed.
-- trending tokens: the window of an app by the daily app rankings against OpenRouter's trending list, within 0.1 %.
-- trending rank: the place of an app by our excess against that in OpenRouter's list, among the comparable apps of it.
-- grain: comparison, date, entity
with exports as (
    select
        'exports' as comparison,
        exports.date,
        'all' as entity,
        'tokens' as unit,
        exports.total_tokens as reference_value,
        data_api.total_tokens as our_value,
        0.05::double as tolerance,
        exports.is_provisional or data_api.is_provisional as is_provisional
    from staging.stg_ranking_totals as exports
    inner join staging.stg_ranking_totals as data_api
        on exports.date = data_api.date and data_api.source = 'rankings-daily'
    where exports.source = 'exports'
),

page_weeks as (
    select
        'page weeks' as comparison,
        pages.window_end_date as date,
        pages.captured_at::varchar as entity,
        'tokens' as unit,
        pages.page_tokens as reference_value,
        pages.daily_tokens as our_value,
        0.5::double as tolerance,
        coalesce(days.is_provisional_7d, false) as is_provisional
    from marts.rpt_page_windows as pages
    left join intermediate.int_board_days as days
        on days.board = 'rankings' and pages.window_end_date = days.date
),

contexts as (
    select
        'contexts' as comparison,
        date,
        'all' as entity,
        'tokens' as unit,
        total_tokens as reference_value,
        case when is_complete then bucket_tokens end as our_value,
        0::double as tolerance,
        is_provisional
    from marts.rpt_context_totals
),

-- Without a tolerance the reference is an upper bound.
apps as (
    select
        'apps' as comparison,
        date,
        'all' as entity,
        'tokens' as unit,
        total_tokens as reference_value,
        case when is_whole then app_tokens end as our_value,
        null::double as tolerance,
        is_provisional
    from marts.fct_app_residual_daily
),

-- Two days of retrieval may show the same window: the newest list of it counts.
newest_lists as (
    select max(date) as date
    from marts.fct_app_trending
    group by window_end_date
),

trending as (
    select
        apps.window_end_date as date,
        apps.app_id,
        apps.rank,
        apps.total_tokens,
        apps.our_total_tokens,
        apps.our_excess_tokens,
        apps.is_comparable,
        apps.is_provisional
    from marts.fct_app_trending as apps
    inner join newest_lists on apps.date = newest_lists.date
),

trending_tokens as (
    select
        'trending tokens' as comparison,
        date,
        app_id::varchar as entity,
        'tokens' as unit,
        total_tokens as reference_value,
        our_total_tokens as our_value,
        0.1::double as tolerance,
        is_provisional
    from trending
),

-- An app without an excess by ours has no place by ours. The places of all move when one figure does.
trending_ranks as (
    select
        'trending rank' as comparison,
        date,
        app_id::varchar as entity,
        'rank' as unit,
        row_number() over (partition by date order by rank, app_id) as reference_value,
        case
            when our_excess_tokens > 0
                then row_number() over (partition by date order by our_excess_tokens desc, app_id asc)
        end as our_value,
        0::double as tolerance,
        bool_or(is_provisional) over (partition by date) as is_provisional
    from trending
    where is_comparable
),

figures as (
    select * from exports
    union all
    select * from page_weeks
    union all
    select * from contexts
    union all
    select * from apps
    union all
    select * from trending_tokens
    union all
    select * from trending_ranks
),

compared as (
    select
        comparison,
        date,
        entity,
        unit,
        reference_value,
        our_value,
        our_value - reference_value as difference,
        tolerance,
        case
            when tolerance is null then our_value <= reference_value
            when unit = 'rank' then abs(our_value - reference_value) <= tolerance
            else 100 * abs(our_value - reference_value) <= tolerance * reference_value
        end as is_within,
        is_provisional
    from figures
)

select
    comparison, -- exports, page weeks, contexts, apps, trending tokens or trending rank
    date, -- UTC day of the figures, or last one of their window
    entity, -- number of the app, instant (UTC) at which the page was saved, or `all`
    unit, -- tokens or rank
    reference_value, -- figure that ours is held against; null where it is not known
    our_value, -- our figure; null where it is not known, for a rank where the app has no excess by ours
    difference, -- our_value less reference_value
    case when unit = 'tokens' then 100 * difference::double / nullif(reference_value, 0) end
        as difference_pct, -- of reference_value; null for ranks
    tolerance, -- what they may differ: percent for tokens, places for ranks; null where ours need only not be larger
    case
        when is_within then 'agrees'
        when not is_within or unit = 'rank' then 'differs'
        else 'not comparable'
    end as verdict, -- agrees, differs, or not comparable where a figure is not known
    is_provisional -- a figure may still be restated
from compared
