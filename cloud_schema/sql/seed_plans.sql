-- Plans, one a tier. Ids are UUIDv5 of the code under uuid5(NAMESPACE_URL, 'https://nexa.example/subscription_plans'). May run again;
-- what an operator changed is kept. A limit that is NULL does not bind. Who has no subscription has the free plan.

INSERT INTO subscription_plans (
    id, plan_code, tier, plan_name, display_name, description, tagline, monthly_price, annual_price, trial_period_days,
    device_limit, home_limit, user_limit, automation_limit, scene_limit, api_rate_limit_per_hour, webhook_limit, data_retention_days,
    predictive_failure, self_healing, security_scanning, energy_optimization, automation_repair, ai_insights, priority_support,
    is_b2b_plan, multi_property_support, white_label_available, api_access, is_public, is_popular, sort_order, features
) VALUES
    ('85039433-18e7-5312-81b4-56d302ac52a0', 'free', 'free', 'free', 'Free', 'The hub, its devices, scenes and automations.', 'Your home, at home', 0, 0, 0,
     50, 2, 10, 50, 50, 0, 0, 30,
     false, false, false, false, false, false, false, false, false, false, false, true, false, 10,
     '["device_monitoring", "diagnostics"]'),
    ('11f98db0-914a-5ace-9eb6-c83602f55607', 'essential', 'essential', 'essential', 'Essential', 'More devices, and faults that mend themselves.', 'It mends itself', 4.99, 49.90, 30,
     100, 2, 15, 100, 100, 0, 2, 90,
     false, true, false, false, false, false, false, false, false, false, false, true, false, 20,
     '["device_monitoring", "diagnostics", "self_healing"]'),
    ('67e33b0c-9d13-5e2f-b609-9bf406b2ba74', 'secure', 'secure', 'secure', 'Secure', 'Essential, and an eye on the network.', 'Nobody gets in', 8.99, 89.90, 30,
     150, 3, 15, 150, 150, 0, 5, 180,
     false, true, true, false, false, false, false, false, false, false, false, true, false, 30,
     '["device_monitoring", "diagnostics", "self_healing", "security_scanning"]'),
    ('5242efbd-1ceb-5f0e-ab7b-3f6f43fa5329', 'optimize', 'optimize', 'optimize', 'Optimize', 'Secure, and what the energy is used for.', 'Use less', 12.99, 129.90, 30,
     200, 3, 20, 250, 250, 500, 10, 365,
     true, true, true, true, false, false, false, false, false, false, true, true, true, 40,
     '["device_monitoring", "diagnostics", "self_healing", "security_scanning", "energy_optimization", "predictive_failure", "api_access"]'),
    ('0ac315ef-0cc8-58a8-a027-91f01a48c769', 'complete', 'complete', 'complete', 'Complete', 'Everything for several homes.', 'All of it', 19.99, 199.90, 30,
     500, 5, 30, 500, 500, 2000, 25, 730,
     true, true, true, true, true, true, true, false, true, false, true, true, false, 50,
     '["device_monitoring", "diagnostics", "self_healing", "security_scanning", "energy_optimization", "predictive_failure", "automation_repair", "ai_insights", "priority_support", "api_access"]'),
    ('8b690f7f-7b4e-54a1-b9be-af9a71903203', 'enterprise', 'enterprise', 'enterprise', 'Enterprise', 'For those who look after many properties, under their own name.', 'At scale', 99.00, 990.00, 0,
     NULL, NULL, NULL, NULL, NULL, 20000, NULL, 2555,
     true, true, true, true, true, true, true, true, true, true, true, false, false, 60,
     '["device_monitoring", "diagnostics", "self_healing", "security_scanning", "energy_optimization", "predictive_failure", "automation_repair", "ai_insights", "priority_support", "api_access", "white_label"]')
ON CONFLICT DO NOTHING;
