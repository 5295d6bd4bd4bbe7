-- Which organisation is behind an author namespace, curated by hand, from which day on. A namespace without a row
-- stands for itself. What nobody has put a name to is `unattributed`: stealth models, and OpenRouter's own routers.
-- grain: author, since_date
select
    curated.author::varchar as author, -- namespace before the slash, as published
    curated.organisation::varchar as organisation, -- who answers for its models, or `unattributed`
    curated.since_date::date as since_date, -- first UTC day for which the row holds
    curated.reason::varchar as reason -- why
from (
    values
    ('alibaba', 'alibaba', '2023-01-01', 'its own name'),
    ('qwen', 'alibaba', '2023-01-01', 'Qwen is Alibaba Cloud''s family of models'),
    ('bytedance', 'bytedance', '2023-01-01', 'its own name'),
    ('bytedance-seed', 'bytedance', '2023-01-01', 'Seed is ByteDance''s model team'),
    ('ibm-granite', 'ibm', '2023-01-01', 'Granite is IBM''s family of models'),
    ('inclusionai', 'ant-group', '2023-01-01', 'InclusionAI is Ant Group''s open initiative'),
    ('internlm', 'shanghai-ai-lab', '2023-01-01', 'InternLM is of Shanghai AI Laboratory'),
    ('kwaipilot', 'kuaishou', '2023-01-01', 'Kwaipilot is Kuaishou''s coding team'),
    ('meridian-labs', 'meridian', '2023-01-01', 'second namespace of a vendor of the simulated market'),
    ('meta', 'meta', '2023-01-01', 'its own name'),
    ('meta-llama', 'meta', '2023-01-01', 'Llama is Meta''s family of models'),
    ('opengvlab', 'shanghai-ai-lab', '2023-01-01', 'OpenGVLab is of Shanghai AI Laboratory'),
    ('openrouter', 'unattributed', '2023-01-01', 'routers and stealth models'),
    ('stealth', 'unattributed', '2023-01-01', 'models whose maker is not named'),
    ('stepfun-ai', 'stepfun', '2023-01-01', 'second namespace of StepFun'),
    ('thudm', 'z-ai', '2023-01-01', 'GLM moved from THUDM to Z.ai, the same makers')
) as curated (author, organisation, since_date, reason)
