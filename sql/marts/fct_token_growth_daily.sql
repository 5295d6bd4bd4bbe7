-- Growth of token use, defined once for every dimension. A model below rank 50 is below the cut-off, not zero: where
-- a window holds such a day its point value is null and the bounds say what is known. So they do of a class of models
-- where models are listed that no catalogue describes, as those may be of any class. A day that was not loaded has no
-- rows, and a window that contains it, or begins before the data, is null in point, bounds and contribution.
-- grain: dimension, entity, date
-- check: tokens_7d_low <= tokens_7d_high
-- check: tokens_28d_low <= tokens_28d_high
-- check: tokens_7d = tokens_7d_low or is_censored
-- check: growth_7d_pct between growth_7d_low_pct - 1e-9 and growth_7d_high_pct + 1e-9
-- check: growth_7d_listed_pct between growth_7d_low_pct - 1e-9 and growth_7d_high_pct + 1e-9
-- check: growth_7d_low_pct <= growth_7d_high_pct + 1e-9
-- check: share_7d_low_pct <= share_7d_high_pct
-- check: share_7d_change_low_pp <= share_7d_change_high_pp + 1e-9
-- check: growth_28d_pct between growth_28d_low_pct - 1e-9 and growth_28d_high_pct + 1e-9
-- check: growth_28d_listed_pct between growth_28d_low_pct - 1e-9 and growth_28d_high_pct + 1e-9
with compared as (
    select
        windows.*,
        entities.dimension,
        entities.entity,
        days.date,
        days.is_provisional_7d,
        days.is_provisional_14d,
        days.is_provisional_56d,
        days.total_7d_before,
        days.total_28d_before,
        100 * windows.total_tokens::double / nullif(days.total_tokens, 0) as share_pct,
        100 * windows.total_tokens_7d_ago::double / nullif(days.total_tokens_7d_ago, 0) as share_7d_ago_pct,
        100 * windows.low_7d::double / nullif(days.total_7d, 0) as share_7d_low_pct,
        100 * windows.high_7d::double / nullif(days.total_7d, 0) as share_7d_high_pct,
        100 * windows.low_7d_before::double / nullif(days.total_7d_before, 0) as share_7d_before_low_pct,
        100 * windows.high_7d_before::double / nullif(days.total_7d_before, 0) as share_7d_before_high_pct,
        if(windows.is_censored_7d, null, windows.low_7d) as tokens_7d,
        if(windows.is_censored_7d_before, null, windows.low_7d_before) as tokens_7d_before,
        if(windows.is_censored_7d_year_before, null, windows.low_7d_year_before) as tokens_7d_year_before,
        if(windows.is_censored_28d, null, windows.low_28d) as tokens_28d,
        if(windows.is_censored_28d_before, null, windows.low_28d_before) as tokens_28d_before
    from intermediate.int_entity_windows as windows
    inner join intermediate.int_entities as entities on windows.entity_id = entities.entity_id
    inner join intermediate.int_board_days as days
        on entities.board = days.board and windows.day_number = days.day_number
)

select
    dimension, -- total, model, author, organisation, … : see dim_dimension
    entity, -- `all`, an entity of the dimension, or `other`: what is not listed, such as all models below rank 50
    date,
    total_tokens, -- what is listed of the entity on the day; null where nothing is
    tokens_7d, -- tokens of the 7 days that end on the day; null where is_censored
    low_7d as tokens_7d_low, -- at least: what is listed
    high_7d as tokens_7d_high, -- at most
    tokens_28d, -- tokens of the 28 days that end on the day; null where one of them is censored
    low_28d as tokens_28d_low, -- at least: what is listed
    high_28d as tokens_28d_high, -- at most
    if(is_unlisted_2d, null, 100 * (total_tokens / nullif(total_tokens_1d_ago, 0) - 1))
        as growth_1d_pct, -- against the day before; swings with the weekday
    100 * (tokens_7d / nullif(tokens_7d_before, 0) - 1) as growth_7d_pct, -- week on week
    100 * (low_7d / nullif(high_7d_before, 0) - 1) as growth_7d_low_pct, -- at least
    100 * (high_7d / nullif(low_7d_before, 0) - 1) as growth_7d_high_pct, -- at most; null where unbounded
    100 * (low_7d / nullif(low_7d_before, 0) - 1)
        as growth_7d_listed_pct, -- of what is listed; a model that enters or leaves the list moves it
    100 * (tokens_28d / nullif(tokens_28d_before, 0) - 1) as growth_28d_pct, -- four weeks on the four weeks before
    100 * (low_28d / nullif(high_28d_before, 0) - 1) as growth_28d_low_pct, -- at least
    100 * (high_28d / nullif(low_28d_before, 0) - 1) as growth_28d_high_pct, -- at most; null where unbounded
    100 * (low_28d / nullif(low_28d_before, 0) - 1)
        as growth_28d_listed_pct, -- of what is listed; a model that enters or leaves the list moves it
    100 * (tokens_7d / nullif(tokens_7d_year_before, 0) - 1)
        as growth_364d_pct, -- the week on the same week a year (52 weeks) earlier
    low_7d - low_7d_before as delta_7d_tokens, -- change of what is listed, week on week
    100 * (low_7d - low_7d_before)::double / nullif(total_7d_before, 0)
        as contribution_7d_pp, -- part of the total's week-on-week growth; adds up over a dimension, `other` included
    low_28d - low_28d_before as delta_28d_tokens, -- change of what is listed, four weeks on the four weeks before
    100 * (low_28d - low_28d_before)::double / nullif(total_28d_before, 0)
        as contribution_28d_pp, -- part of the total's growth over four weeks; adds up over a dimension
    share_pct, -- of all tokens of the day; null where nothing is listed
    share_pct - share_7d_ago_pct as share_change_7d_pp, -- against the day a week earlier
    share_7d_low_pct, -- of all tokens of the 7 days, at least
    share_7d_high_pct, -- at most
    share_7d_low_pct - share_7d_before_high_pct
        as share_7d_change_low_pp, -- of that share, week on week, at least: positive where it rose for certain
    share_7d_high_pct - share_7d_before_low_pct
        as share_7d_change_high_pp, -- at most: negative where it fell for certain
    rank, -- position on the day by what is listed; null for `all` and `other`
    rank_7d_ago - rank as rank_change_7d, -- against the day a week earlier; positive is up
    total_tokens - total_tokens_1d_ago as delta_1d_tokens, -- change of what is listed
    is_provisional_7d as is_provisional, -- a day of the 7 may still be restated
    is_provisional_14d as is_growth_7d_provisional, -- a day of the two weeks may still be restated
    is_provisional_56d as is_growth_28d_provisional, -- a day of the eight weeks may still be restated
    is_censored_7d as is_censored, -- on a day of the 7 something of the entity is below the cut-off, or not described
    is_censored_7d or is_censored_7d_before as is_growth_7d_censored -- in either week
from compared
