-- Who lives in the demonstration home, and how it goes. Named statements of `nexa-cloud seed`; nothing here is installed.

-- name: who
SELECT h.id::text, u.id::text, u.email, CASE WHEN u.id = h.owner_id THEN 'owner of the home'
       WHEN NOT m.is_active THEN 'former member' WHEN u.role = 'installer' THEN 'installer, may configure'
       WHEN m.role = 'member' THEN CASE WHEN (m.permissions ->> 'control')::boolean THEN 'member, may control' ELSE 'member, may view' END
       ELSE m.role END
FROM public.homes h
JOIN public.users u ON u.id = ANY (ARRAY(SELECT md5('demo/user/' || slug)::uuid FROM unnest(
    '{owner,admin,member,viewer,guest,installer,former}'::text[]) slug))
LEFT JOIN public.home_members m ON m.home_id = h.id AND m.user_id = u.id
WHERE h.id = md5('demo/home')::uuid
ORDER BY u.id <> h.owner_id, u.email;

-- name: home
DELETE FROM public.homes WHERE id = md5('demo/home')::uuid;

-- name: people
DELETE FROM public.users WHERE id = ANY (ARRAY(SELECT md5('demo/user/' || slug)::uuid FROM unnest(
    '{owner,admin,member,viewer,guest,installer,former}'::text[]) slug));

-- name: logins
DELETE FROM auth.users WHERE id = ANY (ARRAY(SELECT md5('demo/user/' || slug)::uuid FROM unnest(
    '{owner,admin,member,viewer,guest,installer,former}'::text[]) slug));

-- name: model
DELETE FROM public.ml_models m WHERE m.id = md5('demo/model')::uuid
  AND NOT EXISTS (SELECT FROM public.failure_predictions p WHERE p.ml_model_id = m.id)
  AND NOT EXISTS (SELECT FROM public.ai_insights i WHERE i.ml_model_id = m.id);
