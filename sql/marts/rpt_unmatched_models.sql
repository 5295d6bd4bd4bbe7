-- Tokens of ranked models that no catalogue knows: what every join with the catalogue leaves out.
-- grain: date, model_permaslug
select
    tokens.date,
    tokens.model_permaslug, -- slug that matches no catalogue row
    tokens.total_tokens, -- prompt and completion tokens
    tokens.share_pct
from marts.fct_model_tokens_daily as tokens
inner join marts.dim_model as models on tokens.model_permaslug = models.model_permaslug
where models.match_status = 'unmatched'
