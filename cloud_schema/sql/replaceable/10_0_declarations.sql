-- Declared tables: the streams a hub may send, and who owns which column of a definition.
-- A new stream is one row here (and its table); so is a new kind of definition.

-- parents: column -> table in which its id (or each of its ids) must exist, in the same home where that table has homes.
-- key_columns: what makes a record the same record when it is sent again for repair, and a case the same case.
-- resident_columns: who did it; somebody who is not of that home (any more) is left out, and the row is stored.
-- row_check: what else must hold of a row `a` of home $4; otherwise it is refused as `pointing at another home`.
INSERT INTO hub_streams (stream, target_table, columns, time_column, key_columns, parents, is_case, resident_columns, row_check) VALUES
    ('device_states', 'device_states',
     '{id,device_id,state,changed_fields,changed_by,change_source,created_at}',
     'created_at', '{id,created_at}', '{"device_id": "devices"}', false, '{changed_by}', NULL),
    ('device_telemetry', 'device_telemetry',
     '{time,device_id,metric_type,value,unit,quality_score,metadata}',
     'time', '{device_id,metric_type,time}', '{"device_id": "devices"}', false, '{}', NULL),
    ('energy_usage', 'energy_usage',
     '{time,device_id,home_id,power_watts,energy_kwh,voltage,current_amps,power_factor,cost_estimate,is_peak_hour,metadata}',
     'time', '{device_id,time}', '{"device_id": "devices"}', false, '{}', NULL),
    ('network_metrics', 'network_metrics',
     '{time,device_id,home_id,signal_strength_dbm,signal_quality_percent,ssid,bssid,channel,frequency_mhz,latency_ms,packet_loss_percent,bandwidth_mbps,is_connected,disconnect_count,metadata}',
     'time', '{device_id,time}', '{"device_id": "devices"}', false, '{}', NULL),
    ('device_health_history', 'device_health_history',
     '{time,device_id,health_score,connectivity_score,performance_score,reliability_score,security_score,energy_efficiency_score,previous_score,score_change,score_trend,factors,recommendations}',
     'time', '{device_id,time}', '{"device_id": "devices"}', false, '{}', NULL),
    ('device_error_logs', 'device_error_logs',
     '{id,time,device_id,home_id,error_level,error_code,error_message,error_category,stack_trace,context,is_resolved,resolved_at,resolution_notes,created_at}',
     'time', '{id,time}', '{"device_id": "devices"}', false, '{}', NULL),
    -- What was done on the hub itself; the cloud's own audit rows are written by triggers.
    ('audit_logs', 'audit_logs',
     '{id,time,user_id,action,table_name,record_id,old_values,new_values,changed_fields,ip_address,user_agent,metadata}',
     'time', '{id,time}', '{}', false, '{user_id}', 'hub_sync.is_of_home($4, a.table_name, a.record_id)'),
    ('automation_executions', 'automation_executions',
     '{id,time,automation_id,home_id,triggered_by,trigger_data,status,started_at,completed_at,duration_ms,actions_total,actions_succeeded,actions_failed,action_results,error_message,error_details,retry_attempt,device_states_before,device_states_after,environment_context,created_at}',
     'time', '{id,time}', '{"automation_id": "automations"}', false, '{}', NULL),
    ('automation_health_checks', 'automation_health_checks',
     '{id,time,automation_id,home_id,health_status,health_score,trigger_valid,conditions_valid,actions_valid,devices_accessible,issues_found,warnings,recommended_fixes,can_auto_repair,auto_repair_attempted,auto_repair_success,devices_offline,deprecated_features,created_at}',
     'time', '{id,time}', '{"automation_id": "automations"}', false, '{}', NULL),
    ('scene_activations', 'scene_activations',
     '{id,time,scene_id,home_id,activated_by,activation_source,status,devices_targeted,devices_succeeded,devices_failed,execution_duration_ms,failed_devices,error_message,created_at}',
     'time', '{id,time}', '{"scene_id": "scenes"}', false, '{activated_by}', NULL),
    ('self_healing_executions', 'self_healing_executions',
     '{id,time,device_id,home_id,action_id,triggered_by,trigger_source_id,issue_detected,issue_severity,device_state_before,status,started_at,completed_at,duration_ms,action_parameters,retry_attempt,success,device_state_after,error_message,error_details,issue_resolved,verified_at,verification_method,required_user_approval,approved_by,approved_at,user_feedback,follow_up_required,follow_up_action,follow_up_scheduled_at,metadata,created_at}',
     'time', '{id,time}', '{"device_id": "devices", "action_id": "self_healing_actions"}', true, '{approved_by}', NULL),
    -- Whether and how people were told of an alert is the cloud's business.
    ('alerts', 'alerts',
     '{id,time,home_id,alert_rule_id,alert_type,severity,priority,title,message,source_device_id,source_type,source_id,context,device_state,actionable,suggested_actions,action_taken,action_taken_at,action_taken_by,status,acknowledged_at,acknowledged_by,resolved_at,resolved_by,dismissed_at,dismissed_by,expires_at,metadata,created_at}',
     'time', '{id,time}', '{"source_device_id": "devices", "alert_rule_id": "alert_rules"}', true,
     '{action_taken_by,acknowledged_by,resolved_by,dismissed_by}', NULL),
    ('diagnostic_runs', 'diagnostic_runs',
     '{id,device_id,home_id,triggered_by,trigger_source,overall_status,health_score,issues_found,connectivity_check,firmware_check,sensor_check,automation_check,security_check,energy_check,duration_ms,started_at,completed_at,findings,recommendations,created_at}',
     'started_at', '{id}', '{"device_id": "devices"}', true, '{triggered_by}', NULL),
    ('diagnostic_issues', 'diagnostic_issues',
     '{id,diagnostic_run_id,device_id,issue_type,severity,title,description,affected_component,error_code,recommended_action,can_auto_fix,fix_confidence_score,status,resolved_at,resolved_by,metadata,created_at}',
     'created_at', '{id}', '{"device_id": "devices", "diagnostic_run_id": "diagnostic_runs"}', true, '{resolved_by}', NULL),
    ('security_incidents', 'security_incidents',
     '{id,time,home_id,device_id,incident_type,severity,confidence_score,title,description,attack_source_ip,attack_source_country,attack_vector,attack_method,detection_method,detection_source,devices_affected,data_accessed,data_modified,data_exfiltrated,service_disrupted,status,auto_response_taken,response_actions,detected_at,contained_at,resolved_at,investigated_by,investigation_notes,root_cause,evidence,logs,metadata,created_at}',
     'time', '{id,time}', '{"device_id": "devices", "devices_affected": "devices"}', true, '{investigated_by}', NULL),
    ('security_scans', 'security_scans',
     '{id,home_id,triggered_by,scan_type,scan_scope,target_devices,status,started_at,completed_at,duration_seconds,devices_scanned,vulnerabilities_found,critical_issues,high_issues,medium_issues,low_issues,info_issues,overall_risk_score,security_grade,unauthorized_access_check,weak_password_check,open_ports_check,firmware_check,network_intrusion_check,device_exposure_check,findings,recommendations,error_message,metadata,created_at}',
     'started_at', '{id}', '{"target_devices": "devices"}', true, '{triggered_by}', NULL),
    ('security_vulnerabilities', 'security_vulnerabilities',
     '{id,security_scan_id,home_id,device_id,vulnerability_type,severity,cvss_score,title,description,cve_id,affected_component,attack_vector,complexity,confidentiality_impact,integrity_impact,availability_impact,publicly_accessible,exploitable,known_exploits_exist,remediation_steps,remediation_complexity,estimated_fix_time_minutes,requires_user_action,can_auto_fix,patch_available,patch_version,patch_url,status,detected_at,resolved_at,resolved_by,resolution_notes,is_recurring,first_detected_at,recurrence_count,external_references,metadata,created_at}',
     'detected_at', '{id}', '{"device_id": "devices", "security_scan_id": "security_scans"}', true, '{resolved_by}', NULL),
    ('firmware_updates', 'firmware_updates',
     '{id,device_id,from_version,to_version,update_status,initiated_by,initiated_source,download_progress,install_progress,started_at,completed_at,duration_seconds,success,error_message,rollback_reason,release_notes,changelog_url,metadata,created_at}',
     'started_at', '{id}', '{"device_id": "devices"}', true, '{initiated_by}', NULL),
    -- Telling people is the cloud's.
    ('failure_predictions', 'failure_predictions',
     '{id,device_id,home_id,ml_model_id,failure_type,failure_category,failure_probability,risk_score,confidence_level,severity,predicted_failure_date,estimated_time_to_failure_days,earliest_failure_date,latest_failure_date,primary_indicators,anomalies_detected,historical_patterns,preventive_actions,recommended_maintenance,prediction_status,actual_failure_date,was_prevented,prevention_action_taken,user_acknowledged,acknowledged_at,acknowledged_by,user_feedback,model_version,prediction_metadata,created_at,expires_at}',
     'created_at', '{id}', '{"device_id": "devices", "ml_model_id": "ml_models"}', true, '{acknowledged_by}', NULL),
    ('anomaly_detections', 'anomaly_detections',
     '{id,time,device_id,home_id,ml_model_id,anomaly_type,anomaly_score,severity,expected_value,actual_value,deviation_percent,metric_name,metric_unit,description,possible_causes,is_recurring,occurrence_count,first_occurrence_at,last_occurrence_at,status,resolved_at,resolution_notes,created_at}',
     'time', '{id,time}', '{"device_id": "devices", "ml_model_id": "ml_models"}', true, '{}', NULL),
    ('device_usage_patterns', 'device_usage_patterns',
     '{id,device_id,home_id,pattern_type,pattern_name,day_of_week,time_of_day_start,time_of_day_end,month_of_year,average_usage_duration_minutes,usage_frequency_per_week,typical_state,confidence_score,sample_size,first_observed_at,last_observed_at,conditions,related_devices,is_active,reliability_score,last_deviation_at,deviation_count,created_at}',
     'created_at', '{id}', '{"device_id": "devices", "related_devices": "devices"}', true, '{}', NULL),
    -- What people say of an insight (its status, that it is dismissed) is theirs, and no revision touches it.
    ('ai_insights', 'ai_insights',
     '{id,home_id,device_id,insight_type,insight_category,title,description,priority,potential_savings_annual,potential_energy_savings_kwh,roi_estimate_months,recommended_action,action_complexity,estimated_time_minutes,requires_purchase,estimated_cost,ml_model_id,confidence_score,data_sources,is_active,expires_at,metadata,created_at}',
     'created_at', '{id}', '{"device_id": "devices", "ml_model_id": "ml_models"}', true, '{}', NULL),
    ('ml_predictions_log', 'ml_predictions_log',
     '{id,time,ml_model_id,device_id,home_id,prediction_type,input_features,output_prediction,confidence_score,actual_outcome,outcome_recorded_at,prediction_correct,inference_time_ms,model_version,created_at}',
     'time', '{id,time}', '{"device_id": "devices", "ml_model_id": "ml_models"}', true, '{}', NULL)
ON CONFLICT (stream) DO UPDATE SET
    target_table = excluded.target_table, columns = excluded.columns, time_column = excluded.time_column,
    key_columns = excluded.key_columns, parents = excluded.parents, is_case = excluded.is_case,
    resident_columns = excluded.resident_columns, row_check = excluded.row_check;

-- What of a record is compared, as contract/wire.md spells it: what says which record it is, and what both sides can spell alike
-- (no jsonb, no numeric, no defaults, nobody's user id). Without any, the records of a stream are counted only.
UPDATE hub_streams SET hash_columns = coalesce(v.columns::text[], '{}')
FROM hub_streams s LEFT JOIN (VALUES
    ('audit_logs', '{id,time,action,table_name,record_id,changed_fields}'),
    ('device_states', '{id,device_id,created_at,changed_fields,change_source}'),
    ('device_telemetry', '{device_id,metric_type,time,value,unit}'),
    ('energy_usage', '{device_id,time,power_watts,energy_kwh,voltage,current_amps,power_factor}'),
    ('network_metrics', '{device_id,time,signal_strength_dbm,signal_quality_percent,ssid,channel,frequency_mhz,latency_ms}'),
    ('device_health_history', '{device_id,time,health_score,connectivity_score,performance_score,reliability_score,security_score,energy_efficiency_score,previous_score,score_change,score_trend}'),
    ('device_error_logs', '{id,device_id,time,error_level,error_code,error_message,error_category}'),
    ('automation_executions', '{id,time,automation_id,triggered_by,status,started_at,completed_at,duration_ms,actions_total,actions_succeeded,actions_failed,error_message}'),
    ('automation_health_checks', '{id,time,automation_id,health_status,health_score,trigger_valid,conditions_valid,actions_valid,devices_accessible}'),
    ('scene_activations', '{id,time,scene_id,activation_source,status,devices_targeted,devices_succeeded,devices_failed,execution_duration_ms,error_message}')
) v (stream, columns) ON v.stream = s.stream
WHERE hub_streams.stream = s.stream;

-- people_columns make versions and changes, and are merged; of those, manual_columns wait for a person when both sides
-- changed them. hub_columns are described by the hub and taken as they are; observed_columns come as the present;
-- cloud_columns make versions too, but only go down. joined_columns are those among them that stand in another table
-- (hub_sync.with_joined). While living_column is not true the row counts as deleted. Rows of tables without homes are for
-- every hub.
INSERT INTO hub_definition_kinds (
    entity_type, rank, target_table, people_columns, manual_columns, hub_columns, observed_columns, cloud_columns, joined_columns,
    living_column, comes_from_hub, is_soft_deleted, has_sync_status
) VALUES
    ('home', 0, 'homes', '{name,timezone,country,metadata}', '{}', '{}', '{}', '{coordinates,is_active,owner_id,owner_name}', '{owner_name}',
     NULL, true, false, false),
    ('room', 1, 'rooms', '{name,room_type,floor_level,square_footage,metadata,sort_order}', '{}', '{}', '{}', '{}', '{}',
     NULL, true, false, false),
    ('device', 2, 'devices',
     '{device_name,room_id,device_type,settings,tags,custom_fields,is_favorite,is_active,notes}', '{}',
     '{brand_id,device_model_id,manufacturer_device_id,ecosystem_device_id,mac_address,primary_protocol,supported_protocols,power_source,capabilities,integration_platform,network_ssid}',
     '{ip_address,connectivity_status,signal_strength,firmware_version,firmware_update_available,latest_firmware_version,last_firmware_update_at,battery_level,battery_voltage,is_charging,health_score,is_online,last_seen_at,last_event_at,error_count,warning_count}',
     '{installed_at,installed_by,warranty_expires_at,purchase_date,purchase_price}', '{}', NULL, true, true, true),
    ('scene', 3, 'scenes',
     '{name,description,icon,color,scene_type,category,room_id,device_states,transition_duration_ms,is_favorite,is_active,adaptive_brightness,context_aware,tags,metadata}',
     '{device_states}', '{}', '{activation_count,last_activated_at}', '{created_by}', '{}', NULL, true, false, true),
    ('automation', 4, 'automations',
     '{name,description,icon,color,automation_type,source,triggers,conditions,actions,execution_mode,delay_between_actions_ms,retry_on_failure,max_retries,schedule_type,schedule_config,timezone,is_enabled,is_paused,pause_until,ai_optimized,learning_enabled,context_aware,tags,metadata}',
     '{triggers,conditions,actions,execution_mode,schedule_type,schedule_config}', '{}',
     '{health_status,last_health_check_at,failure_count,success_count,last_executed_at,last_execution_status,last_execution_duration_ms,total_executions}',
     '{created_by}', '{}', NULL, true, true, true),
    ('device_group', 5, 'device_groups', '{name,description,group_type,icon,color,members}', '{}', '{}', '{}', '{}', '{members}',
     NULL, true, false, true),
    ('alert_rule', 6, 'alert_rules',
     '{rule_name,rule_type,description,conditions,threshold_config,target_type,target_id,severity,priority,notification_channels,cooldown_minutes,max_alerts_per_day,quiet_hours_start,quiet_hours_end,is_enabled,metadata}',
     '{}', '{}', '{alert_count,last_triggered_at}', '{created_by}', '{}', NULL, true, false, false),
    ('network_access_rule', 7, 'network_access_rules', '{}', '{}', '{}', '{hit_count,last_hit_at}',
     '{rule_name,rule_type,priority,source_ip,source_ip_range,source_country,source_mac,destination_device_id,destination_port,protocol,time_restrictions,is_enabled,description}',
     '{}', NULL, false, false, false),
    ('home_member', 8, 'home_members', '{}', '{}', '{}', '{}', '{user_id,role,permissions,display_name}', '{display_name}',
     'is_active', false, false, false),
    ('ecosystem', 9, 'ecosystems', '{}', '{}', '{}', '{}', '{name,slug,provider,logo_url,capabilities}', '{}', 'is_active', false, false, false),
    ('brand', 10, 'brands', '{}', '{}', '{}', '{}', '{name,slug,logo_url,website,support_url}', '{}', 'is_active', false, false, false),
    ('device_model', 11, 'device_models', '{}', '{}', '{}', '{}',
     '{brand_id,model_number,model_name,device_type,supported_protocols,capabilities,known_issues,manual_url}', '{}',
     'is_supported', false, false, false),
    ('self_healing_action', 12, 'self_healing_actions', '{}', '{}', '{}', '{average_success_rate,total_executions,total_successes}',
     '{name,action_type,description,category,applicable_device_types,applicable_protocols,applicable_brands,action_config,parameters_schema,requires_user_approval,max_retry_attempts,cooldown_period_minutes,risk_level,documentation_url}',
     '{}', 'is_active', false, false, false),
    -- What forecasts reckon with: a hub takes the parameters of the models it knows.
    ('ml_model', 13, 'ml_models', '{}', '{}', '{}',
     '{accuracy,precision_score,recall_score,f1_score,auc_roc}',
     '{name,model_type,version,algorithm,hyperparameters,description}', '{}', 'is_active', false, false, false)
ON CONFLICT (entity_type) DO UPDATE SET
    rank = excluded.rank, target_table = excluded.target_table, people_columns = excluded.people_columns,
    manual_columns = excluded.manual_columns, hub_columns = excluded.hub_columns, observed_columns = excluded.observed_columns,
    cloud_columns = excluded.cloud_columns, joined_columns = excluded.joined_columns, living_column = excluded.living_column,
    comes_from_hub = excluded.comes_from_hub, is_soft_deleted = excluded.is_soft_deleted, has_sync_status = excluded.has_sync_status;

-- Named bounds.
CREATE OR REPLACE FUNCTION hub_sync.history_versions_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20';
CREATE OR REPLACE FUNCTION hub_sync.lost_values_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10';  -- a definition; the oldest go
CREATE OR REPLACE FUNCTION hub_sync.dead_letters_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10000';  -- a hub; the oldest go
CREATE OR REPLACE FUNCTION hub_sync.gaps_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 10000';  -- a hub; the oldest go
CREATE OR REPLACE FUNCTION hub_sync.lives_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1000';  -- marks of other epochs, and epochs, a hub; the oldest go
CREATE OR REPLACE FUNCTION hub_sync.definitions_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20000';  -- a home, with deleted ones
CREATE OR REPLACE FUNCTION hub_sync.replays_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1000';  -- dead letters, a call
CREATE OR REPLACE FUNCTION hub_sync.undated_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1000';  -- stretches of a hub; the oldest go
-- How far ahead of the cloud's clock a record may be dated: by a clock that the hub trusts, and by one that nobody has confirmed.
CREATE OR REPLACE FUNCTION hub_sync.ahead_max() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '1 hour'$$;
CREATE OR REPLACE FUNCTION hub_sync.ahead_untrusted_max() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '10 years'$$;
CREATE OR REPLACE FUNCTION hub_sync.earliest() RETURNS date LANGUAGE sql IMMUTABLE AS $$SELECT date '1970-01-01'$$;
CREATE OR REPLACE FUNCTION hub_sync.envelope_rows_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20000';
CREATE OR REPLACE FUNCTION hub_sync.envelope_streams_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 100';
CREATE OR REPLACE FUNCTION hub_sync.number_max() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 9007199254740991';  -- of a record: what JSON can say
CREATE OR REPLACE FUNCTION hub_sync.envelope_definitions_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2000';
CREATE OR REPLACE FUNCTION hub_sync.listed_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 20000';  -- fingerprints of a stream in a request
CREATE OR REPLACE FUNCTION hub_sync.compared_days_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 400';  -- of a stream in a request
CREATE OR REPLACE FUNCTION hub_sync.aliases_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 50';  -- a device
CREATE OR REPLACE FUNCTION hub_sync.copies_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 2000';  -- an envelope
CREATE OR REPLACE FUNCTION hub_sync.catalogue_reports_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 500';  -- a home
CREATE OR REPLACE FUNCTION hub_sync.catalogue_owners_min() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3';  -- until all see a row
CREATE OR REPLACE FUNCTION hub_sync.catalogue_name_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 80';
CREATE OR REPLACE FUNCTION hub_sync.extra_bytes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 16384';
CREATE OR REPLACE FUNCTION hub_sync.definition_bytes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 262144';
CREATE OR REPLACE FUNCTION hub_sync.changes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 500';  -- a page
CREATE OR REPLACE FUNCTION hub_sync.changes_bytes_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 4194304';  -- a page, or one definition
CREATE OR REPLACE FUNCTION hub_sync.commands_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 50';  -- a delivery
CREATE OR REPLACE FUNCTION hub_sync.commands_waiting_max() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1000';  -- a home
CREATE OR REPLACE FUNCTION hub_sync.finished_commands_kept() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '30 days'$$;
CREATE OR REPLACE FUNCTION hub_sync.redeliver_after() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '30 seconds'$$;
CREATE OR REPLACE FUNCTION hub_sync.doubled_told_for() RETURNS interval LANGUAGE sql IMMUTABLE AS $$SELECT interval '1 hour'$$;
CREATE OR REPLACE FUNCTION hub_sync.token_lifetime_s() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 3600';

-- What is kept only for people to look at is left out when it is too large.
CREATE OR REPLACE FUNCTION hub_sync.bounded(document jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN pg_column_size(document) <= hub_sync.extra_bytes_max() THEN document END
$$;
