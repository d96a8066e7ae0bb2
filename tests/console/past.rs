//! A group's chart: ranges, target, states over time, export.

use crate::desk::Desk;
use crate::fixture;
use chrono::TimeDelta;
use resilience::control::view::{GroupView, LagSample, Mark};
use resilience::domain::Targets;
use resilience::runtime::{GroupHistory, Intent, IntentError, IntentId, NoticeDetail};

fn at_core() -> Desk {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core", &["main", "clickstream"])]));
    desk.click("core, ACTIVE");
    desk
}

/// A week as the system table tells it: a stop of two days, a failover, one breach.
pub fn a_week() -> GroupHistory {
    let hour = |hours: i64| fixture::now() - TimeDelta::hours(hours);
    let lag = |hours: i64| match hours {
        40..44 => 30_000,
        hours => 700 + (hours as u64 % 5) * 300,
    };
    let mut samples: Vec<LagSample> = (0..168 * 4)
        .map(|quarter| fixture::now() - TimeDelta::days(7) + TimeDelta::minutes(quarter * 15))
        .map(|at| LagSample { at, lag_ms: Some(lag((fixture::now() - at).num_hours())) })
        .collect();
    samples.retain(|sample| sample.at < hour(110) || sample.at > hour(62));
    GroupHistory {
        samples,
        filling: vec![(hour(168), true), (hour(160), false), (hour(29), true), (hour(28), false)],
        failovers: vec![(hour(30), Some(hour(29)))],
        marks: vec![Mark { at: hour(30), label: "Failover".to_owned() }],
    }
}

fn asked(desk: &mut Desk) -> (IntentId, Intent) {
    desk.intents.try_recv().expect("something was asked")
}

#[test]
fn the_last_hour_needs_no_question_and_a_week_is_read_from_the_system_table() {
    let mut desk = at_core();
    assert!(desk.shows("Lag over the last hour, at most 6.5 s"), "{:#?}", desk.names());
    assert!(desk.shows("States: ACTIVE for 5") && desk.shows("Not recorded for 3 min"), "a stop is no state");
    assert!(desk.intents.try_recv().is_err(), "the snapshot holds it");
    desk.click("10 min");
    assert!(desk.shows("Lag over the last 10 minutes"));
    assert!(desk.intents.try_recv().is_err());
    desk.click("7 d");
    assert!(desk.shows("Reading the system table…"));
    let (id, intent) = asked(&mut desk);
    let since = fixture::now() - TimeDelta::days(7);
    assert!(matches!(intent, Intent::ReadHistory { since: asked, .. } if asked == since));
    desk.answer(id, Ok(NoticeDetail::History(Box::new(a_week()))));
    assert!(desk.shows("Lag over the last 7 days, at most 30.0 s"));
    assert!(desk.shows("INITIAL_REPLICATION for") && desk.shows("FAILING_OVER for 1 h 00 min"));
    assert!(desk.shows("Not recorded for 2 d 0 h"), "a stop stays a gap");
    assert!(!desk.shows("Read the system table."), "its answer is no notice");
}

#[test]
fn a_table_that_cannot_be_read_says_why_in_the_chart() {
    let mut desk = at_core();
    desk.click("1 y");
    let (id, _) = asked(&mut desk);
    let sentence = "The system table's log is torn at version 12.".to_owned();
    desk.answer(id, Err(IntentError { sentence: sentence.clone(), violations: Vec::new(), stale: false }));
    assert!(desk.shows(&sentence));
    desk.click("1 h");
    assert!(desk.shows("Lag over the last hour"));
}

#[test]
fn a_target_is_set_drawn_and_taken_away() {
    let mut desk = at_core();
    desk.click("Targets…");
    desk.type_into("RPO: the replica is at most this far behind", "soon");
    assert!(desk.shows("Enter a time such as 30 s, 5 min or 2 h."));
    assert!(!desk.can_press("Set targets"));
    desk.clear("RPO: the replica is at most this far behind");
    desk.type_into("RPO: the replica is at most this far behind", "3 s");
    desk.type_into("RTO: the new primary accepts writes within", "2 min");
    desk.click("Set targets");
    let (id, intent) = desk.sent();
    let targets = Targets { rpo_s: Some(3), rto_s: Some(120) };
    assert_eq!(intent, Intent::SetTargets { id: fixture::spec("core", &[]).id, targets });
    desk.answer(
        id,
        Err(IntentError { sentence: "The disk is full.".to_owned(), violations: Vec::new(), stale: false }),
    );
    assert!(desk.shows("The targets were not changed") && desk.shows("The disk is full."));
    desk.click("Set targets");
    let (id, _) = desk.sent();
    let group = GroupView { targets, ..fixture::active("core", &["main", "clickstream"]) };
    desk.publish(fixture::with_groups(vec![group]));
    desk.answer(id, Ok(NoticeDetail::Done("Set.".to_owned())));
    assert!(desk.shows("1 time over the target of 3.0 s"), "the spell above the target is counted");
    desk.click("Targets…");
    desk.clear("RPO: the replica is at most this far behind");
    desk.clear("RTO: the new primary accepts writes within");
    desk.click("Set targets");
    assert!(matches!(desk.sent().1, Intent::SetTargets { targets, .. } if targets == Targets::default()));
}

#[test]
fn the_numbers_are_saved_under_a_typed_path_and_a_refusal_stays_in_the_dialog() {
    let mut desk = at_core();
    desk.click("Export…");
    assert!(desk.shows("3380 rows with its time in UTC") || desk.shows("rows with its time in UTC"));
    desk.click("Save");
    let (id, intent) = desk.sent();
    let Intent::SaveText { path, text } = intent else { panic!("{intent:?}") };
    assert!(path.ends_with("/exports/core-lag-1h-20261122T091432Z.csv"), "{path}");
    assert!(text.starts_with("time_utc,lag_ms\n2026-11-22T08:14:"), "{}", &text[..60]);
    let sentence = format!("{path} is there already. Choose another name.");
    desk.answer(id, Err(IntentError { sentence: sentence.clone(), violations: Vec::new(), stale: false }));
    assert!(desk.shows(&sentence));
    desk.clear("File");
    desk.type_into("File", "/tmp/elsewhere.csv");
    desk.click("Save");
    let (id, intent) = desk.sent();
    assert!(matches!(intent, Intent::SaveText { path, .. } if path == "/tmp/elsewhere.csv"));
    desk.answer(id, Ok(NoticeDetail::Done("Saved /tmp/elsewhere.csv.".to_owned())));
    assert!(desk.shows("Saved /tmp/elsewhere.csv.") && !desk.shows("Copy as text"));
}

#[test]
fn the_chart_is_saved_as_a_picture_of_what_is_drawn() {
    let mut desk = at_core();
    desk.click("Export…");
    desk.click("Picture (PNG)");
    assert!(desk.shows("The chart as it is drawn.") && !desk.can_press("Copy as text"));
    desk.click("Save");
    let (_, intent) = desk.sent();
    let Intent::SavePicture { path, png } = intent else { panic!("{intent:?}") };
    assert!(path.ends_with("/exports/core-lag-1h-20261122T091432Z.png"), "{path}");
    let picture = image::load_from_memory(&png).expect("a PNG").into_rgb8();
    assert!(picture.width() > 800 && (250..450).contains(&picture.height()), "{:?}", picture.dimensions());
    let colours: std::collections::BTreeSet<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    assert!(colours.len() > 100, "it isn't blank");
}

#[test]
fn the_same_time_of_the_day_before_is_drawn_when_it_is_asked_for() {
    let mut desk = at_core();
    desk.click("Yesterday");
    let (id, intent) = asked(&mut desk);
    assert!(matches!(intent, Intent::ReadHistory { since, .. } if since == fixture::ago(25 * 3_600)), "{intent:?}");
    let at = fixture::ago(86_400 + 1_800);
    let samples = (0..20).map(|n| LagSample { at: at + TimeDelta::seconds(30 * n), lag_ms: Some(4_000) }).collect();
    let history = GroupHistory { samples, ..GroupHistory::default() };
    assert!(desk.shows("the day before is being read"));
    desk.answer(id, Ok(NoticeDetail::History(Box::new(history))));
    assert!(desk.shows("the day before at most 4.0 s"));
    desk.click("Hide yesterday");
    assert!(!desk.shows("the day before"));
    desk.click("10 min");
    desk.click("Yesterday");
    let sentence = "The system table of core can't be read.".to_owned();
    let (id, _) = asked(&mut desk);
    desk.answer(id, Err(IntentError { sentence: sentence.clone(), violations: Vec::new(), stale: false }));
    assert!(desk.shows(&format!("the day before couldn't be read. {sentence}")));
    desk.click("7 d");
    let _ = asked(&mut desk);
    assert!(!desk.can_press("Yesterday"), "a week has no same time of the day before");
}
