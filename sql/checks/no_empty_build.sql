-- The tables hold data: an empty build is an error, not a day without use.
select 'marts.fct_model_tokens_daily' as empty_table
where not exists (select 1 from marts.fct_model_tokens_daily)
