-- The launches, debuts and turns from free to paid that moved the most tokens, one a model.
with moved as (
    select
        date,
        kind,
        coalesce(related_entity, entity) as model_permaslug,
        greatest(tokens_7d_before, tokens_7d_after) as tokens_7d
    from marts.fct_events
    where dimension = 'model' and kind in ('launch', 'stealth_debut', 'free_launch', 'free_to_paid')
),

-- Use has grown: an event counts by its part of all tokens at its time.
weighed as (
    select
        moved.date,
        moved.kind,
        moved.model_permaslug,
        moved.tokens_7d,
        100 * moved.tokens_7d / total.tokens_7d as share_pct
    from moved
    inner join marts.growth_total as total on moved.date = total.date
    where total.tokens_7d > 0
    qualify
        row_number() over (
            partition by split_part(moved.model_permaslug, ':', 1)
            order by share_pct desc, moved.date asc
        ) = 1
)

select
    date,
    kind,
    model_permaslug,
    tokens_7d,
    share_pct
from weighed
order by share_pct desc, model_permaslug asc
limit 8
