-- Every list of providers as it was received, one row a provider.
-- kind: ledger
select
    null::varchar as name, -- display name
    null::varchar as slug, -- OpenRouter's key of the provider
    null::varchar as headquarters, -- country (ISO 3166, two letters); null where it is not stated
    null::varchar as datacenters, -- countries, sorted, separated by commas; empty for an empty list, null for none
    null::varchar as privacy_policy_url, -- address of the privacy policy
    null::varchar as terms_of_service_url, -- address of the terms
    null::varchar as status_page_url, -- address of the status page
    null::timestamp as as_of, -- instant (UTC) of retrieval
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received it
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- providers
where false
