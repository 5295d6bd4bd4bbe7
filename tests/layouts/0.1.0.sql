-- The tables of a warehouse as 0.1.0 made them, before warehouses had a layout version.
create schema meta;
create schema raw;
create table meta.builds (
    build_id varchar,
    built_at timestamp,
    is_successful boolean,
    inputs_sha256 varchar,
    program_version varchar,
    duckdb_version varchar,
    models bigint,
    checks bigint,
    seconds double,
    message varchar
);
create table meta.checks (
    build_id varchar,
    model varchar,
    check_name varchar,
    is_passed boolean,
    offending_rows bigint
);
create table meta.contract (
    contract_version varchar,
    is_simulated boolean,
    as_of timestamp,
    citation varchar,
    licence varchar
);
create table meta.loads (
    load_id varchar,
    source varchar,
    url varchar,
    outcome varchar,
    message varchar,
    warnings varchar,
    fetched_at timestamp,
    as_of timestamp,
    first_date date,
    last_date date,
    promised_end_date date,
    floor_date date,
    landed_rows bigint,
    size_bytes bigint,
    sha256 varchar,
    is_simulated boolean,
    citation varchar
);
create table raw.models (
    id varchar,
    canonical_slug varchar,
    model_permaslug varchar,
    name varchar,
    created_at timestamp,
    context_length_tokens bigint,
    prompt_usd_per_token double,
    completion_usd_per_token double,
    input_modalities varchar,
    output_modalities varchar,
    tokenizer varchar,
    hugging_face_id varchar,
    is_reasoning_capable boolean,
    expiration_date date,
    alias_target_slug varchar,
    as_of timestamp,
    fetched_at timestamp,
    load_id varchar,
    source varchar
);
create table raw.rankings_daily (
    date date,
    model_permaslug varchar,
    total_tokens bigint,
    as_of timestamp,
    fetched_at timestamp,
    load_id varchar,
    source varchar
);
