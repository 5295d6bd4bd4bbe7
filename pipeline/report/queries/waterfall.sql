-- What each organisation added to the growth of all tokens over the newest 28 days: the eight largest steps, the others
-- in one, and what is not listed.
with newest as (
    select
        entity,
        date,
        tokens_before,
        tokens_after,
        change_tokens,
        contribution_pp,
        is_provisional
    from marts.rpt_growth_explained
    where dimension = 'organisation' and window_days = 28
    qualify date = max(date) over ()
),

ranked as (
    select
        *,
        row_number() over (order by entity = 'other' asc, abs(change_tokens) desc, entity asc) as position
    from newest
)

select
    case
        when entity = 'other' then 'not listed'
        when position <= 8 then entity
        else 'other organisations'
    end as organisation,
    any_value(date) as date,
    sum(tokens_before)::bigint as tokens_before,
    sum(tokens_after)::bigint as tokens_after,
    sum(change_tokens)::bigint as change_tokens,
    sum(contribution_pp)::double as contribution_pp,
    bool_or(is_provisional) as is_provisional
from ranked
group by organisation
order by organisation = 'not listed' asc, organisation = 'other organisations' asc, change_tokens desc, organisation asc
