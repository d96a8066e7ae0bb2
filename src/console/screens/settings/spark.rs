//! What Spark copies, where it is the copy engine.

use super::{fact_ui, fact_words_ui};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::widgets::card;
use crate::delta::{SparkJobEnd, SparkRunning, SparkView};
use eframe::egui::Ui;

/// Draws where jobs run, the one that runs, and the last one; nothing where this program copies everything.
pub fn spark_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let Some(spark) = &scene.account().spark else { return };
    card::hairline_ui(ui);
    fact_ui(ui, "Spark", "the Spark master", &spark.master);
    fact_words_ui(ui, "Spark job", &running_words(spark));
    if let Some(link) = spark.running.as_ref().and_then(|running| running.link.as_ref()) {
        fact_ui(ui, "Job's page", "the URL of the Spark job", link);
    }
    if let Some(last) = &spark.last {
        fact_words_ui(ui, "Last job", &end_words(last));
    }
}

fn running_words(spark: &SparkView) -> String {
    match &spark.running {
        None => "None runs".to_owned(),
        Some(SparkRunning { begun, files, bytes, files_done, bytes_done, .. }) => format!(
            "{files_done} of {files} files, {} of {}, since {}",
            format::bytes(*bytes_done),
            format::bytes(*bytes),
            format::utc_time(*begun)
        ),
    }
}

fn end_words(last: &SparkJobEnd) -> String {
    let seconds = (last.ended - last.begun).num_seconds();
    match &last.error {
        None => format!("Copied {} files ({}) in {seconds} s", last.files, format::bytes(last.bytes)),
        Some(error) => format!("Failed after {seconds} s: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    #[test]
    fn a_job_is_told_while_it_runs_and_after_it() {
        let begun = Utc.with_ymd_and_hms(2026, 7, 1, 12, 4, 5).single().expect("a time");
        let mut running = SparkRunning::new(20, 1 << 30);
        (running.begun, running.files_done, running.bytes_done) = (begun, 5, 1 << 28);
        let view = SparkView { running: Some(running), ..SparkView::default() };
        assert_eq!(
            running_words(&view),
            format!(
                "5 of 20 files, {} of {}, since {}",
                format::bytes(1 << 28),
                format::bytes(1 << 30),
                format::utc_time(begun)
            )
        );
        let mut end =
            SparkJobEnd { begun, ended: begun + TimeDelta::seconds(9), files: 20, bytes: 1 << 30, error: None };
        assert!(end_words(&end).starts_with("Copied 20 files (") && end_words(&end).ends_with(" in 9 s"));
        end.error = Some("The Spark job ended with status 1".to_owned());
        assert_eq!(end_words(&end), "Failed after 9 s: The Spark job ended with status 1");
    }
}
