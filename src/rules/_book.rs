//! The rule book: each rule of the trade, the function that decides it, the test that pins it.
//!
//! Sections are those of the domain: 4 ingestion, 5 review, 6 stock and allocation, 7 routing,
//! 8 labels, 9 confirmation and upload, 10 tracking, 11 deadlines, 12 alerts, 13 exceptions, 14 key figures,
//! 15 analytics, 16 messages. A test is named `file::name` below `tests/` (or by its module for tests
//! beside the code); a test of this crate reads this table and fails when one does not exist, and
//! the links fail to build when a function goes.
//!
//! # 4 Ingestion
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 4.1 | how often a platform is asked, by orders a day, push and acknowledgement clock | [`poll_plan`](super::poll_plan) | `handling::every_row_of_the_poll_plan` |
//! | 4.1 | floor and ceiling are the host's | [`PollPolicy`](super::PollPolicy) | `policy::the_bounds_of_the_poll_plan_are_decided_by_the_policy` |
//! | 4.1 | an interval that is too slow is told | [`check_poll_interval`](super::check_poll_interval) | `handling::every_row_of_the_poll_plan` |
//! | 4.2 | windows; the horizon moves after every page is stored | `engine::Engine::sync` | `engine::the_horizon_moves_only_after_every_page_is_stored` |
//! | 4.2 | catching up on demand moves nothing | `engine::Engine::fetch_window` | `engine::a_shop_catches_up_from_where_it_stopped_and_a_window_on_demand_moves_nothing` |
//! | 4.2 | a page token that repeats | `engine::Engine::sync` | `engine::a_platform_that_repeats_its_page_token_is_stopped` |
//! | 4.2 | the same content is no event, older news is ignored | [`reconcile`](crate::order::reconcile) | `lifecycle::reconciling_is_idempotent` |
//! | 4.2 | older news | [`reconcile`](crate::order::reconcile) | `lifecycle::an_older_snapshot_yields_nothing` |
//! | 4.2 | webhooks: stored once, then answered, then worked on | `engine::Engine::receive` | `engine::a_notification_is_stored_once_and_its_order_read_once` |
//! | 4.2 | push and poll end in one function | `engine::Engine` | `engine::push_and_poll_make_the_same_order_of_the_same_news` |
//! | 4.2 | daily comparison: missing, extra, unlike | `engine::Engine::compare_shop` | `engine::the_daily_comparison_names_what_is_missing_extra_and_unlike_and_mends_it` |
//! | 4.2 | any order of arrival | `engine::Engine::receive` | `engine::notifications_in_the_wrong_order_end_in_what_the_platform_says_now` |
//! | 4.2 | one broken order costs only itself | `engine::Engine::sync` | `engine::one_unreadable_order_costs_only_itself_and_is_kept` |
//! | 4.3 | all cells are text; each fault with row, column, code | `platforms::csv::CsvOrders` | `csv_orders::each_fault_is_told_with_its_row_column_and_code_and_costs_only_its_order` |
//! | 4.3 | several rows are one order and must agree | `platforms::csv::CsvOrders` | `csv_orders::rows_that_disagree_about_their_order_are_refused_together_with_their_numbers` |
//! | 4.3 | amounts and dates as declared | `platforms::csv::Mapping` | `csv_orders::amounts_with_a_comma_and_dates_in_a_zone_are_read_as_declared` |
//! | 4.3 | the same file again changes nothing | `platforms::csv::CsvShop` | `csv_orders::importing_the_same_file_again_changes_nothing` |
//! | 4.4 | completeness, accuracy, consistency | [`validate`](super::validate) | `rules::address_problems_are_found_and_named` |
//! | 4.4 | countries and states that there are; ZIP codes of all that the post of the United States serves | [`validate`](super::validate) | `rules::countries_and_states_that_there_are_not_are_found_and_every_way_to_write_one_is_taken` |
//! | 4.4 | times, units, SKU, phone, masking, amounts below zero | [`validate`](super::validate) | `rules::what_an_order_lacks_or_contradicts_is_found_and_named` |
//! | 4.4 | a state is one by code and by name | [`Country::state_code`](crate::Country::state_code) | `rules::a_region_is_one_however_its_addresses_write_the_state` |
//! | 4.4 | two lines with one id are refused | [`import`](crate::order::import) | `lifecycle::a_snapshot_with_two_lines_of_one_id_is_neither_imported_nor_merged` |
//! | 4.4 | a line may be one smallest unit off | [`validate`](super::validate) | `rules::a_line_may_be_one_cent_off_but_not_two` |
//! | 4.4 | no address is no finding while unpaid or in the remorse hour | [`validate`](super::validate) | `rules::a_missing_address_is_no_finding_while_the_order_is_unpaid` |
//! | 4.4 | tags and priority after import | [`classify`](super::classify) | `handling::an_order_is_tagged_by_what_is_known_of_it_and_by_nothing_else` |
//!
//! # 5 Review and acknowledgement
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 5.1 | approve, a person, or reject | [`review`](super::review) | `rules::the_same_goods_to_the_same_place_within_a_day_need_a_person` |
//! | 5.1 | no goods, a note | [`review`](super::review) | `rules::an_order_without_goods_is_rejected_and_one_with_a_note_needs_a_person_where_the_shop_says_so` |
//! | 5.1 | a twin, however its address is spelt | [`review`](super::review) | `rules::a_twin_is_one_however_its_address_is_spelt` |
//! | 5.1 | a twin in another city, or one that was cancelled, is none | [`review`](super::review) | `rules::a_twin_in_another_city_or_one_that_was_cancelled_is_no_duplicate` |
//! | 5.1 | stock of eligible warehouses, each once | [`review`](super::review) | `rules::stock_of_a_warehouse_that_may_not_ship_the_order_does_not_count_and_none_counts_twice` |
//! | 5.1 | a value limit in another currency | [`review`](super::review) | `rules::a_limit_in_another_currency_than_the_order_needs_a_person_and_says_why` |
//! | 5.1 | payments that contradict the order (2.7) | [`payment_anomaly`](super::payment_anomaly) | `alerts::payments_that_contradict_an_order_are_named` |
//! | 5.2 | the queue, by deadline then priority | [`review_queue`](super::review_queue) | `handling::the_review_queue_is_sorted_by_deadline_then_priority_then_key` |
//! | 5.2 | approve, correct, shorten, reject, hold; with a name | [`plan_manual_review`](super::plan_manual_review) | `handling::a_person_approves_corrects_shortens_rejects_or_waits_and_is_named` |
//! | 5.3 | acknowledge when stock covers every line and the address is good | [`may_acknowledge`](super::may_acknowledge) | `rules::an_order_is_acknowledged_only_when_approved_in_stock_and_addressable` |
//! | 5.3 | an address that cannot be used stands against it | [`may_acknowledge`](super::may_acknowledge) | `rules::an_address_that_no_carrier_can_use_stands_against_acknowledging` |
//!
//! # 6 Stock and allocation
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 6.1 | available = on hand − reserved − committed − buffer | [`StockLevel`](crate::warehouse::StockLevel) | `stores::the_stock_in_memory_passes_the_suite` |
//! | 6.1 | reserve, commit, consume, release, take back; atomic and repeatable | [`Stock`](crate::ports::Stock) | `stores::the_stock_in_memory_passes_the_suite` |
//! | 6.2 | one warehouse that keeps every deadline, by preference | [`allocate`](super::allocate) | `rules::one_warehouse_with_everything_beats_two_and_every_other_is_explained` |
//! | 6.2 | ship-by before preference | [`allocate`](super::allocate) | `rules::a_warehouse_that_ships_after_the_deadline_is_not_used_where_another_is_in_time` |
//! | 6.2 | a bundle stays together, also the rest of one | [`allocate`](super::allocate) | `rules::a_bundle_of_which_one_line_is_left_still_leaves_whole` |
//! | 6.2 | the fewest that cover everything | [`allocate`](super::allocate) | `rules::an_order_is_split_over_the_fewest_warehouses_that_cover_it` |
//! | 6.2 | greedily, where all sets would take too long | [`allocate`](super::allocate) | `rules::many_bundles_over_many_warehouses_are_allocated_no_worse_than_greedily` |
//! | 6.2 | partial shipment and backorders | [`allocate`](super::allocate) | `rules::what_nobody_has_is_backordered_and_the_rest_ships_only_if_allowed` |
//! | 6.2 | smallest value of both parts | [`AllocationPolicy`](super::AllocationPolicy) | `handling::a_part_is_not_shipped_when_the_part_left_would_not_be_worth_it` |
//! | 6.2 | why not everything is allocated | [`AllocationShortfall`](super::AllocationShortfall) | `rules::a_shortfall_has_the_reason_that_is_true` |
//! | 6.2 | units are conserved | [`allocate`](super::allocate) | `rules::allocation_conserves_units_and_never_takes_more_than_there_is` |
//! | 6.2 | orders of one address may share a parcel | [`combinable`](super::combinable) | `handling::orders_to_one_recipient_may_share_a_parcel_whatever_the_spelling` |
//! | 6.2 | and those of two addresses never | [`combinable`](super::combinable) | `rules::house_numbers_that_differ_only_in_a_mark_or_blank_never_share_a_parcel` |
//!
//! # 7 Routing
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 7.2 | hard filters in their order | [`route`](super::route) | `routing::the_hard_filters_report_the_first_that_fails_in_their_order` |
//! | 7.2 | coverage | [`route`](super::route) | `routing::coverage_is_asked_from_country_over_state_and_city_to_the_kind_of_address` |
//! | 7.2 | states by code and by name, in coverage and rules | [`route`](super::route) | `routing::a_state_is_one_by_code_and_by_name_in_coverage_and_in_rules` |
//! | 7.2 | earliest ship by cut-offs of warehouse and carrier | [`earliest_ship`](super::earliest_ship) | `routing::a_parcel_leaves_only_on_a_day_and_before_a_cutoff_of_both_warehouse_and_carrier` |
//! | 7.2 | capacity | [`CarrierAccount`](super::CarrierAccount) | `routing::an_overloaded_carrier_takes_nothing_more` |
//! | 7.3 | conditions, priority, force, final rules | [`RouteRule`](super::RouteRule) | `routing::rules_run_by_priority_then_id_and_a_final_one_is_the_last` |
//! | 7.3 | a forced service that cannot is `NoService` | [`route`](super::route) | `routing::a_forced_service_that_cannot_take_the_parcel_is_never_replaced_silently` |
//! | 7.2 | a value limit in another currency is a reason | [`ServiceRejection`](super::ServiceRejection) | `routing::a_value_limit_of_a_service_in_another_currency_is_a_reason_and_never_passed_over` |
//! | 7.3 | and so it is in a rule | [`RouteCondition`](super::RouteCondition) | `routing::a_rule_with_a_value_limit_in_another_currency_is_left_out_and_named` |
//! | 7.3 | large letters and blanks of places decide nothing | [`RouteCondition`](super::RouteCondition) | `routing::large_letters_and_blanks_of_places_decide_nothing` |
//! | 7.4 | quotes of an impossible day or below zero are set aside | [`QuoteProblem`](super::QuoteProblem) | `routing::a_quote_that_promises_a_day_before_the_parcel_can_leave_is_set_aside` |
//! | 7.4 | cheapest that keeps the promise; ties | [`route`](super::route) | `routing::ties_go_to_shorter_transit_then_fewer_delays_then_priority_then_the_key` |
//! | 7.4 | slower and dearer changes nothing | [`route`](super::route) | `routing::a_slower_and_dearer_quote_never_changes_the_choice` |
//! | 7.4 | one currency | [`RoutePolicy`](super::RoutePolicy) | `routing::prices_are_compared_in_the_currency_of_the_policy_or_of_the_order` |
//! | 7.4 | quotes live 24 hours | [`RoutePolicy`](super::RoutePolicy) | `routing::a_quote_of_24_hours_is_used_and_older_ones_and_those_of_the_future_are_not` |
//! | 7.4 | without quotes: price class, light parcels | [`route`](super::route) | `routing::without_quotes_price_classes_come_in_order_and_453_grams_is_light` |
//! | 7.4 | persistently late is more than 5 % of 30 | [`CarrierReliability`](super::CarrierReliability) | `routing::late_more_than_5_percent_of_at_least_30_is_persistently_late` |
//! | 7.4 | reasons that are true: a promise that has passed, a preference | [`route`](super::route) | `routing::a_promise_that_has_passed_and_a_preference_are_told_as_what_they_are` |
//! | 7.4 | contract prices | [`RateCards`](super::RateCards) | `routing::rate_cards_price_by_the_longest_prefix_and_the_first_step_that_fits` |
//! | 7 | thousands of rules without walking them | [`CompiledRoutes`](super::CompiledRoutes) | `routing::compiled_routes_answer_what_the_plain_form_answers` |
//! | 7 | mistakes in rules | [`lint_routes`](super::lint_routes) | `routing::lint_names_the_rule_and_the_field_of_every_mistake` |
//! | 7 | a person's pick | [`override_service`](super::override_service) | `routing::a_persons_pick_overrules_rules_but_no_hard_filter_and_says_what_it_costs` |
//! | 7.5 | the guides' catalogue; the name that no longer exists | [`ServiceCatalogue`](super::ServiceCatalogue) | `routing::the_guides_catalogue_has_their_transit_days_and_price_classes` |
//! | 7.5 | cost against a baseline | [`cost_against_baseline`](super::cost_against_baseline) | `routing::savings_are_counted_against_a_baseline_per_currency` |
//! | 7.5 | price spread | [`price_spread`](super::price_spread) | `routing::carriers_20_percent_apart_are_shown_as_such` |
//! | 7.5 | monthly volume worth negotiating | [`monthly_volume`](super::monthly_volume) | `routing::a_carrier_is_worth_negotiating_with_from_1000_parcels_a_local_month` |
//! | 7.5 | packaging's share of the billed weight | [`packaging_share`](super::packaging_share) | `routing::packaging_counts_with_its_weight_and_with_the_space_it_bills` |
//!
//! # 8 Labels
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 8.1 | one outcome for each item; a second run buys what is missing | `engine::Engine::buy_labels` | `engine::a_batch_run_twice_buys_only_what_is_missing` |
//! | 8.1 | a dry run buys nothing | `engine::Engine::buy_labels` | `engine::a_dry_run_buys_nothing_and_says_what_it_would_buy` |
//! | 8.3 | written down before it is sent; looked for before it is sent again | `engine::Engine::recover` | `engine::a_lost_label_answer_is_recovered_and_never_bought_again` |
//! | 8.3 | a crash at any instant | `engine::Engine` | `engine::a_crash_at_any_boundary_loses_no_order_and_buys_no_second_label` |
//! | 8.4 | a cancelled order gives its label back | `engine::Engine::void_label` | `engine::a_cancelled_order_gives_its_label_back` |
//! | 8.4 | a label given back allows another | [`apply`](crate::order::apply) | `lifecycle::voiding_the_only_label_reopens_the_order_and_allows_another_purchase` |
//! | 8.5 | what is scanned must be what is in the parcel | [`check_pick`](super::check_pick) | `handling::what_is_scanned_must_be_what_is_in_the_parcel` |
//! | 8.5 | runs of a usual day and of a promotion | [`PrintSlots`](super::PrintSlots) | `handling::labels_are_printed_twice_a_day_and_three_or_four_times_in_a_promotion` |
//! | 8.5 | a promotion of the print slots forces alerts on | [`AlertPolicy::at`](super::alert::AlertPolicy::at) | `alerts::the_promotion_days_of_the_print_slots_switch_every_rule_on` |
//! | 8.5 | labels bought at the runs of the day | `engine::EnginePolicy` | `engine::a_tick_buys_at_the_runs_of_the_day_and_orders_paid_later_wait_for_the_next` |
//! | 8.5 | each label on one manifest, and on one only | `engine::Engine::close_day` | `engine::each_label_is_on_one_manifest_and_a_second_call_closes_only_what_came_since` |
//! | 8.4 | until when a label can be given back | [`void_verdict`](super::void_verdict) | `handling::every_void_window_is_dated_has_a_source_and_ends_as_it_says` |
//! | 8.5 | shipped by hand: what stands against it | [`preview`](super::preview) | `handling::a_preview_shows_what_is_open_and_what_stands_against_shipping` |
//!
//! # 9 Confirmation and upload
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 9.1 | when shipment is confirmed | `engine::UploadTiming` | `engine::a_shop_may_confirm_as_soon_as_the_label_is_bought_and_leave_completion_to_the_platform` |
//! | 9.2 | the number, the carrier's name, lines and units, the instant it really left | [`ShipmentNotice`](crate::ports::ShipmentNotice) | `walmart::the_ship_request_is_that_of_the_official_example` |
//! | 9.3 | what a carrier is called on a platform and site | [`CarrierMap`](super::CarrierMap) | `handling::the_most_specific_name_of_a_carrier_counts` |
//! | 9.4 | whether a number can be one of a carrier's | [`number::validate`](crate::shipment::number::validate) | `tracking_numbers::every_published_vector_of_our_carriers_is_judged_right` |
//! | 9.5 | same number, changed number, another number | [`judge_upload`](super::judge_upload) | `handling::a_number_on_the_platform_is_done_updated_or_a_conflict_and_never_overwritten` |
//! | 9.5 | several numbers, one slot | [`only_slot`](super::only_slot) | `handling::a_platform_with_one_slot_gets_the_first_number_and_the_others_are_named` |
//!
//! # 10 Tracking
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 10, 1 | duplicates merge; a shorter history forgets nothing | [`fold`](crate::shipment::fold) | `shipment/fold::knowing_more_never_forgets_an_event` |
//! | 10, 2 | by time; a day before its instants, unless it is the delivery | [`fold`](crate::shipment::fold) | `shipment/fold::a_day_without_time_counts_before_the_instants_of_that_day_unless_it_is_the_delivery` |
//! | 10, 3 | one state from all events, in any order of arrival | [`fold`](crate::shipment::fold) | `shipment/fold::the_fold_does_not_depend_on_arrival_order_or_repetition` |
//! | 10, 4 | a label made is no scan | [`fold`](crate::shipment::fold) | `shipment/fold::a_label_made_is_not_an_acceptance` |
//! | 10, 5 | delivery is sticky | [`fold`](crate::shipment::fold) | `shipment/fold::a_delivery_is_not_undone_by_a_later_stamped_movement` |
//! | 10, 5 | but for a return | [`fold`](crate::shipment::fold) | `shipment/fold::a_return_after_delivery_opens_a_second_leg` |
//! | 10, 6 | attempts, customs and delays are left by a movement | [`fold`](crate::shipment::fold) | `shipment/fold::customs_and_delays_are_left_by_any_later_movement_too` |
//! | 10, 7 | what nobody knows is kept | [`fold`](crate::shipment::fold) | `shipment/fold::an_event_that_nobody_knows_is_kept_and_changes_no_state` |
//! | 10, 8 | a number used before | [`fold`](crate::shipment::fold) | `shipment/fold::events_of_an_earlier_parcel_under_the_same_number_do_not_count` |
//! | 10, 8 | a day only when all of it is older, in any zone | [`fold`](crate::shipment::fold) | `lifecycle::a_day_that_may_be_the_labels_own_is_no_earlier_parcel_and_no_mismatch` |
//! | 10, 5 | delivered after a return began is back at the sender | [`fold`](crate::shipment::fold) | `shipment/fold::a_parcel_delivered_after_its_return_began_is_back_at_the_sender` |
//! | 10 | pushed news counts as asked for, again, late and in any order | `engine::Engine::take_tracked` | `engine::any_delivery_of_the_news_ends_where_asking_would` |
//! | 10 | how often carriers are asked, and until when | [`next_track_poll`](super::next_track_poll) | `handling::carriers_are_asked_by_where_the_parcel_stands_and_not_after_its_end` |
//!
//! # 11 Deadlines
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 11.1 | every kind; several automatic cancellations; the earliest unmet | [`earliest_unmet`](super::earliest_unmet) | `calendar::several_automatic_cancellations_stand_side_by_side_and_the_earliest_unmet_leads` |
//! | 11.2 | platform, shop rules by precedence, preset; versions | [`deadlines`](super::deadlines) | `calendar::the_most_specific_rule_of_the_shop_comes_first_in_the_stated_order` |
//! | 11.2 | the order of rules in a list decides nothing | [`deadlines`](super::deadlines) | `calendar::the_order_in_which_rules_are_listed_changes_nothing` |
//! | 11.2 | a rule that cannot answer costs no other deadline | [`SlaError`](super::SlaError) | `calendar::a_rule_that_cannot_answer_costs_neither_its_deadline_nor_the_others` |
//! | 11.3 | what a deadline can be counted from | [`Anchor::suits`](super::Anchor::suits) | `policy::anchors_that_never_come_or_come_too_late_are_found` |
//! | 11.3 | elapsed hours; 48, 72 and 168 | [`Span`](super::Span) | `calendar::days_told_as_hours_are_elapsed_time_and_ignore_calendars` |
//! | 11.3 | business days, cut-off, clock changes: the worked examples | [`WorkCalendar`](crate::calendar::WorkCalendar) | `calendar::the_worked_examples_of_business_days_come_out_to_the_second` |
//! | 11.3 | the same from a table | [`CompiledCalendar`](crate::calendar::CompiledCalendar) | `calendar::a_compiled_calendar_answers_exactly_like_the_plain_one` |
//! | 11.3 | local times that do not exist or exist twice, all zones | [`resolve_local`](crate::calendar::resolve_local) | `calendar::every_jump_of_every_clock_resolves_as_the_oracle_says` |
//! | 11.4 | with tracking; first scan as shipping; penalties | [`judge`](super::judge) | `calendar::where_tracking_is_required_the_number_must_reach_the_platform_by_the_deadline` |
//! | 11.4 | answers to messages | [`reply_deadline`](super::reply_deadline) | `calendar::a_reply_is_due_per_message` |
//! | 11.4, 23 | dated presets of the platforms | [`presets`](super::presets) | `calendar::every_preset_is_dated_has_a_source_and_answers_for_an_order_of_its_platform` |
//! | 11.4 | public holidays of seven countries | [`HolidayCalendar`](crate::calendar::HolidayCalendar) | `calendar::every_countrys_holidays_of_2020_to_2035_are_exactly_the_published_ones` |
//! | 11 | what is due soon, without a scan | [`DueIndex`](super::DueIndex) | `calendar::an_index_of_due_instants_lists_what_a_scan_finds` |
//!
//! # 12 Ladder and alerts
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 12.1 | 24, 12, 6 hours and breach; a late check fires the highest | [`warning`](super::warning) | `calendar::the_worked_example_of_the_ladder_fires_each_level_at_its_second` |
//! | 12.1 | spans up to a day by 50, 25 and 10 percent | [`Ladder`](super::Ladder) | `rules::one_hour_to_acknowledge_warns_at_30_15_and_6_minutes` |
//! | 12.1 | each level once per version | [`evaluate`](super::alert::evaluate) | `alerts::each_stage_of_a_fact_fires_at_most_once_for_any_sequence_of_looks` |
//! | ALR-01 to ALR-04 | overdue and silent, by platform | [`AlertPolicy`](super::alert::AlertPolicy) | `alerts::pending_and_silent_hours_differ_by_platform` |
//! | ALR-05, ALR-06 | urging, out of stock | [`OrderWatch`](super::alert::OrderWatch) | `alerts::what_is_found_alerts_at_once_and_again_only_when_it_happens_again` |
//! | ALR-07 to ALR-10 | the ladder's channels | [`evaluate`](super::alert::evaluate) | `alerts::the_ship_by_ladder_fires_each_level_and_a_late_check_only_the_highest` |
//! | A-ACK | 30 minutes, then the scaled ladder | [`evaluate`](super::alert::evaluate) | `alerts::a_missing_acknowledgement_warns_after_30_minutes_and_climbs_the_scaled_ladder` |
//! | A-UNCOLLECTED | 24 hours without a scan | [`evaluate`](super::alert::evaluate) | `alerts::pending_and_silent_hours_differ_by_platform` |
//! | A-UPLOAD | 2 minutes, 1 hour, 6 hours before | [`evaluate`](super::alert::evaluate) | `alerts::a_missing_upload_is_noted_mailed_and_at_last_texted` |
//! | A-DELIVERY, A-REPLY | promise broken; answer due | [`evaluate`](super::alert::evaluate) | `alerts::a_broken_promise_and_an_unanswered_message_alert` |
//! | A-STUCK | same place, customs, return, loss | [`evaluate`](super::alert::evaluate) | `alerts::a_parcel_that_stays_comes_back_or_is_lost_is_told_with_its_trouble` |
//! | A-ADDRESS to A-MISTAKE | found facts | [`OrderWatch`](super::alert::OrderWatch) | `alerts::what_is_found_alerts_at_once_and_again_only_when_it_happens_again` |
//! | A-ADDRESS | no alarm in the remorse hour | [`OrderWatch`](super::alert::OrderWatch) | `alerts::an_unusable_address_alerts_unless_the_platform_still_hides_it_for_the_remorse_hour` |
//! | A-PAYMENT | money that does not arrive | [`OrderWatch`](super::alert::OrderWatch) | `alerts::money_that_does_not_arrive_alerts_after_the_hours_the_shop_grants` |
//! | A-CANCELREQ | a second wish | [`OrderWatch`](super::alert::OrderWatch) | `alerts::a_second_wish_to_cancel_is_told_like_the_first` |
//! | ALR-03, A-STUCK | a second silence | [`AlertFact`](super::alert::AlertFact) | `alerts::a_parcel_that_moves_and_stops_again_is_told_again` |
//! | 12.2 | when to look again | [`next_change`](super::alert::next_change) | `alerts::nothing_changes_before_the_next_change` |
//! | A-SYNC | a shop is silent, fails, is refused | [`evaluate_shop`](super::alert::evaluate_shop) | `alerts::a_shop_that_is_silent_failing_or_refused_is_told` |
//! | A-RATE | above 5 %, above 10 %, strictly | [`evaluate_shop`](super::alert::evaluate_shop) | `alerts::rates_are_compared_exactly_and_strictly` |
//! | A-CARRIER, A-RETURNS | two late weeks; returns jump | [`evaluate_shop`](super::alert::evaluate_shop) | `alerts::a_service_late_in_two_weeks_and_a_sku_that_comes_back_are_told` |
//! | 12.2 | one notification for rules that fire together | [`Notification`](super::alert::Notification) | `alerts::rules_that_fire_together_are_one_notification` |
//! | 12.2 | quiet hours delay mail only | [`QuietHours`](super::alert::QuietHours) | `alerts::quiet_hours_delay_mail_and_never_texts_or_calls` |
//! | 12.2 | acknowledging stops repeats | [`FiredAlert`](super::alert::FiredAlert) | `alerts::an_alert_is_repeated_only_while_nobody_took_notice` |
//! | 12.2 | reports at 09:00 and 15:00 | [`next_report`](super::next_report) | `alerts::the_report_comes_at_nine_and_at_three_of_the_shops_day` |
//!
//! # 13 Exceptions
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 13.1 | every kind, sorted, closing by itself | [`exceptions`](super::exceptions) | `rules::exceptions_come_sorted_by_breach_and_close_by_themselves` |
//! | 13.1 | every kind that is recorded | [`exceptions`](super::exceptions) | `alerts::every_kind_of_incident_is_in_the_list_with_its_parcel_until_it_is_resolved` |
//! | 13.1 | addresses and overselling first | [`sort_exceptions`](super::sort_exceptions) | `alerts::addresses_and_overselling_come_before_what_is_due_earlier` |
//! | 13.1 | delay, stuck | [`exceptions`](super::exceptions) | `rules::a_parcel_without_movement_for_48_hours_is_delayed_and_after_72_stuck` |
//! | 13.1 | coming back; no end after 90 days | [`exceptions`](super::exceptions) | `alerts::a_parcel_is_found_coming_back_or_without_an_end_after_ninety_days` |
//! | 13.1 | promise broken before anything left | [`exceptions`](super::exceptions) | `alerts::a_promise_broken_before_anything_left_is_an_exception_like_the_alert` |
//! | 13.1 | each closes when its own condition is over | [`ExceptionBook`](super::ExceptionBook) | `alerts::an_exception_of_a_parcel_closes_only_when_its_own_condition_is_over` |
//! | 13.1 | one fact is one exception, given or recorded twice | [`exceptions`](super::exceptions) | `alerts::an_order_that_is_given_twice_and_a_fact_that_was_recorded_too_are_one_exception` |
//! | 13.1 | a weight more than 30 % off | [`is_weight_suspicious`](super::is_weight_suspicious) | `alerts::a_weight_is_suspicious_beyond_thirty_percent_of_ours_and_not_at_it` |
//! | 13.1 | one open item, counted; open, in progress, resolved, dismissed | [`ExceptionBook`](super::ExceptionBook) | `alerts::an_exception_opens_closes_by_itself_and_comes_back_as_another_occurrence` |
//! | 13.1 | troubles of a shop with what to try | [`shop_exceptions`](super::shop_exceptions) | `alerts::troubles_of_a_shop_are_one_exception_each_with_the_last_error_and_what_to_try` |
//! | 13.2 | cancel and refund: label void, never more than paid | [`plan_resolution`](super::plan_resolution) | `alerts::cancelling_voids_labels_first_and_gives_back_what_is_left_of_what_was_paid` |
//! | 13.2 | a live label stops reallocating and correcting | [`plan_resolution`](super::plan_resolution) | `alerts::a_live_label_stops_choosing_another_warehouse_and_another_address` |
//! | 13.2 | one message per carrier | [`carrier_enquiries`](super::carrier_enquiries) | `alerts::an_enquiry_is_one_message_per_carrier_with_every_number_once` |
//!
//! # 14 Key figures
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 14.1 | pending, excluded, nothing over nothing | [`Kpi`](super::kpi::Kpi) | `kpi::nothing_over_nothing_is_no_data_and_never_a_hundred_percent` |
//! | 14.1 | half-open windows of local dates | [`Window`](super::kpi::Window) | `kpi::the_window_is_half_open_at_the_cohort_instant_of_each_figure` |
//! | 14.1 | both denominators | [`DenominatorMode`](super::kpi::DenominatorMode) | `kpi::the_worked_example_in_the_literal_mode_gives_six_of_ten` |
//! | KPI-01, KPI-09 | on time, late: the worked example | [`KpiId`](super::kpi::KpiId) | `kpi::the_worked_example_of_on_time_shipping_gives_six_of_eight` |
//! | KPI-01 | 19 of 20 is healthy, 1 of 20 is not above 5 % | [`Target`](super::kpi::Target) | `kpi::ninety_five_percent_is_healthy_and_five_percent_late_is_not_above_five` |
//! | KPI-01 | who cancels when | [`CancelledBy`](super::kpi::CancelledBy) | `kpi::who_cancels_and_when_decides_whether_shipping_counts` |
//! | KPI-02 | cancellation | [`KpiPolicy`](super::kpi::KpiPolicy) | `kpi::cancellation_counts_all_or_only_what_is_the_sellers_fault` |
//! | KPI-03, KPI-04 | handling time | [`Durations`](super::kpi::Durations) | `kpi::handling_time_is_a_mean_with_percentiles_by_nearest_rank` |
//! | KPI-03, KPI-04, K-ACKTIME | a time below zero is a bad fact | [`ExclusionReason`](super::kpi::ExclusionReason) | `kpi::a_time_below_zero_is_a_bad_fact_counted_apart_and_never_averaged_in` |
//! | KPI-05, KPI-12, KPI-20 | complaints, defects, disputes | [`DefectSet`](super::kpi::DefectSet) | `kpi::defects_are_configured_and_an_order_is_defective_once` |
//! | KPI-06 | delivery delay | [`KpiId`](super::kpi::KpiId) | `kpi::delivery_is_delayed_when_late_or_missing_once_the_promise_is_due` |
//! | KPI-07 | tracking upload | [`KpiId`](super::kpi::KpiId) | `kpi::every_needed_number_must_be_on_the_platform_and_in_time` |
//! | KPI-08 | valid tracking | [`KpiId`](super::kpi::KpiId) | `kpi::a_number_is_valid_with_a_scan_and_invalid_after_48_hours_without` |
//! | KPI-10, K-ACKTIME | acknowledgement | [`KpiId`](super::kpi::KpiId) | `kpi::acknowledgement_is_judged_once_done_or_due` |
//! | KPI-11 | replies | [`MessageRow`](super::kpi::MessageRow) | `kpi::messages_are_answered_within_24_hours_or_their_own_deadline` |
//! | KPI-13 | accuracy | [`KpiId`](super::kpi::KpiId) | `kpi::processing_is_accurate_without_a_mistake_that_is_known` |
//! | KPI-16 | returns | [`UnitsRow`](super::kpi::UnitsRow) | `kpi::returns_are_units_of_a_sku_over_its_delivered_units` |
//! | KPI-17 | carriers | [`CarrierCounts`](super::kpi::CarrierCounts) | `kpi::a_carrier_is_measured_by_transit_sign_off_promise_cost_and_loss` |
//! | KPI-18 | logistics cost | [`CostRatio`](super::kpi::CostRatio) | `kpi::logistics_cost_is_never_added_across_currencies_without_rates` |
//! | K-UPLAT, K-EXC | upload latency, exceptions | [`ExceptionRow`](super::kpi::ExceptionRow) | `kpi::upload_latency_and_resolution_are_durations_of_their_own_rows` |
//! | 14.2 | series never average averages | [`Periods`](super::kpi::Periods) | `kpi::a_series_merges_counts_and_never_averages_averages` |
//! | 14.2 | a platform's own figures | [`cross_check`](super::kpi::cross_check) | `kpi::a_platforms_figure_agrees_to_its_own_decimals_or_is_explained` |
//! | 14, 23 | dated targets | [`KpiTargets`](super::kpi::KpiTargets) | `kpi::every_preset_loads_and_carries_its_date_and_source` |
//!
//! # 15 Analytics
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | ANA-01 | trend per SKU; fast from 20 % and 10 units, slow from −20 % | [`sales_trend`](super::analytics::sales_trend) | `analytics::twenty_percent_and_ten_units_are_fast_and_minus_twenty_percent_is_slow` |
//! | ANA-01 | slow after 30 days without a sale | [`TrendPolicy`](super::analytics::TrendPolicy) | `analytics::thirty_days_without_a_sale_are_slow` |
//! | ANA-02 | a warehouse pays from 30 % of orders and 7 days | [`regions`](super::analytics::regions) | `analytics::a_warehouse_would_pay_from_thirty_percent_of_orders_and_seven_days` |
//! | ANA-02 | growing: three rises in a row | [`growing_regions`](super::analytics::growing_regions) | `analytics::a_region_grows_when_it_rose_three_times_in_a_row` |
//! | ANA-03 | average order value by currency | [`average_order_value`](super::analytics::average_order_value) | `analytics::average_order_value_keeps_currencies_apart_and_rounds_half_up` |
//! | ANA-04 | hours of the shop's clock | [`hours_of_day`](super::analytics::hours_of_day) | `analytics::hours_are_those_of_the_shops_clock_in_any_zone` |
//! | ANA-05 | rankings, ties by SKU | [`sku_ranking`](super::analytics::sku_ranking) | `analytics::skus_are_ranked_by_units_orders_or_sales_and_equal_ones_by_name` |
//! | ANA-06 | repeat purchase | [`repeat_purchase`](super::analytics::repeat_purchase) | `analytics::who_has_two_orders_by_the_end_of_the_window_returns` |
//! | ANA-07 | reasons of returns | [`return_reasons`](super::analytics::return_reasons) | `analytics::reasons_are_normalised_and_counted_in_units` |
//! | ANA-07 | a jump of returns | [`SkuReturns`](super::alert::SkuReturns) | `alerts::a_service_late_in_two_weeks_and_a_sku_that_comes_back_are_told` |
//! | ANA-08, ANA-14 | carriers | [`CarrierCounts`](super::kpi::CarrierCounts) | `kpi::a_carrier_is_measured_by_transit_sign_off_promise_cost_and_loss` |
//! | ANA-08, ANA-14 | late in two weeks | [`carrier_delay_alerts`](super::kpi::carrier_delay_alerts) | `kpi::a_service_late_in_two_consecutive_weeks_is_to_be_changed` |
//! | ANA-12 | the day at 17:00 | [`dashboard`](super::dashboard) | `rules::the_day_at_five_shows_sales_hot_sellers_parcels_and_uploads` |
//! | ANA-12 | on-time shipping is KPI-01 | [`dashboard`](super::dashboard) | `rules::on_time_shipping_of_the_day_is_kpi_01` |
//! | ANA-12 | open and resolved | [`dashboard`](super::dashboard) | `rules::the_dashboard_counts_incidents_open_at_its_end_and_resolved_within` |
//! | ANA-15 | cost by service | [`CarrierCounts`](super::kpi::CarrierCounts) | `kpi::a_carrier_is_measured_by_transit_sign_off_promise_cost_and_loss` |
//! | ANA-15 | cost against a baseline | [`cost_against_baseline`](super::cost_against_baseline) | `routing::savings_are_counted_against_a_baseline_per_currency` |
//! | ANA-15 | spread, volume, packaging | [`price_spread`](super::price_spread), [`monthly_volume`](super::monthly_volume), [`packaging_share`](super::packaging_share) | `routing::packaging_counts_with_its_weight_and_with_the_space_it_bills` |
//! | 15 | VIPs: the best 5 % of 12 months | [`segments`](super::analytics::segments) | `analytics::the_best_five_percent_of_twelve_months_are_vips` |
//! | 15 | the week and the month | [`periodic_report`](super::analytics::periodic_report) | `analytics::the_week_is_compared_with_the_week_before_and_what_misses_its_target_stands_out` |
//! | 15 | a promotion | [`promotion_forecast`](super::analytics::promotion_forecast) | `analytics::a_promotion_is_five_to_ten_usual_days_rounded_up` |
//!
//! # 16 Messages
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 16 | shipped, once per parcel | [`due_messages`](super::message::due_messages) | `messages::shipped_is_told_once_per_parcel_when_the_platform_has_the_number` |
//! | 16 | milestones | [`due_messages`](super::message::due_messages) | `messages::milestones_are_told_once_each_and_not_when_they_are_old` |
//! | 16 | the survey, 12 to 24 hours after delivery | [`due_messages`](super::message::due_messages) | `messages::the_survey_comes_12_hours_after_delivery_never_after_24_and_not_during_a_complaint` |
//! | 16 | delays and addresses | [`due_messages`](super::message::due_messages) | `messages::a_delay_is_told_once_per_exception_and_an_address_once_per_version` |
//! | 16 | a promise as the day of the buyer's clock | [`MessageContext`](super::message::MessageContext) | `messages::a_promise_is_told_as_the_day_of_the_buyers_clock` |
//! | 16 | placeholders are checked when read; a hole is an error | [`Template`](super::message::Template) | `messages::templates_are_checked_when_they_are_read` |
//! | 16 | what platforms forbid | [`ContentPolicy`](super::message::ContentPolicy) | `messages::what_platforms_forbid_is_found` |
//! | 16 | what buyers ask, in four languages | [`MessageClassifier`](super::message::MessageClassifier) | `messages::buyers_are_understood_in_four_languages` |
//!
//! # All of it as data
//!
//! | § | Rule | Decided by | Pinned by |
//! |---|---|---|---|
//! | 11 to 14, 23 | one document, checked, with presets by name | [`Policy`](super::Policy) | `policy::what_cannot_work_names_its_field_and_the_reason` |
