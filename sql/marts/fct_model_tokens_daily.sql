-- Tokens of each listed model on each day, current vintage, with rank, share and the day's cut-off.
-- grain: date, model_permaslug
-- check: total_tokens >= 0
-- check: (rank is null) = (model_permaslug = 'other')
-- check: cutoff_tokens <= total_tokens or model_permaslug = 'other'
-- check: share_pct between 0 and 100 + 1e-9
select
    rankings.date,
    rankings.model_permaslug, -- permanent slug with `:variant`; `other` is the sum below rank 50
    rankings.total_tokens, -- prompt and completion tokens, each provider's own tokenizer
    ranks.rank, -- position by tokens, ties by slug; null for `other`
    100 * rankings.total_tokens::double / nullif(days.total_tokens, 0) as share_pct, -- of all tokens of the day
    days.is_provisional, -- as_of is on the day after, or before: a restatement is likely
    rankings.as_of, -- instant (UTC) as of which the source states the figure
    rankings.source, -- rankings-daily or exports
    days.cutoff_tokens -- tokens of the smallest listed model; 0 on a day without `other`, where unlisted means zero
from staging.stg_rankings_daily as rankings
inner join intermediate.int_days as days on rankings.date = days.date
left join intermediate.int_entities as entities
    on entities.dimension = 'model' and rankings.model_permaslug = entities.entity
left join intermediate.int_ranks as ranks
    on entities.entity_id = ranks.entity_id and days.day_number = ranks.day_number
