//! `points`: reads a replication point back, and how each table is read as of then.

use super::ask::ask;
use super::common::{Common, DOES_NOT_HOLD};
use super::report::{writable, write_json};
use chrono::{DateTime, Utc};
use clap::Args;
use resilience::control::PointReport;
use resilience::runtime::{PointAnswer, Question};
use std::path::PathBuf;
use std::process::ExitCode;

/// Reads back the newest replication point at or before a time: each table's version, and where the replica holds it
///
/// Ends with 0 when the replica holds every table of the point, with 1 when it does not or there is no such point.
#[derive(Debug, Args)]
pub struct Points {
    /// The failover group
    group: String,
    /// The time, such as 2026-11-22T09:00:00Z; now without it
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<DateTime<Utc>>,
    /// Where the result is written as JSON; without it a table goes to standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| "write a time with its zone, such as 2026-11-22T09:00:00Z".to_owned())
}

/// Asks the instance that runs on the data dir, or opens the data dir itself.
pub async fn run(common: Common, points: Points) -> Result<ExitCode, String> {
    if let Some(file) = &points.json {
        writable(file)?;
    }
    let Points { group, at, json } = points;
    let question = Question::Points { group: group.clone(), at };
    let answer: PointAnswer =
        ask(&common, question, async |engine| PointAnswer::of(engine.control(), &group, at).await).await?;
    let report = match answer {
        PointAnswer { report: Some(report), .. } => report,
        PointAnswer { error, .. } => return Err(error.unwrap_or_else(|| format!("There is no answer for {group}."))),
    };
    match &json {
        Some(file) => write_json(file, &report)?,
        None => print!("{}", text(&report)),
    }
    Ok(if report.is_held() { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}

/// The report as a person reads it.
fn text(report: &PointReport) -> String {
    let mut text = String::new();
    if let Some(point) = report.point {
        text.push_str(&format!("Replication point of {}: {}\n\n", report.group, point.to_rfc3339()));
        let width = report.tables.iter().map(|table| table.name.len()).max().unwrap_or(0).max(5);
        text.push_str(&format!("{:width$}  {:>9}  {:<8}  Read at\n", "Table", "Version", "Replica"));
        for table in &report.tables {
            let version = table.version.map_or_else(|| "—".to_owned(), |version| version.to_string());
            let held = match table.held {
                Some(true) => "held",
                Some(false) => "gone",
                None => "unknown",
            };
            text.push_str(&format!("{:width$}  {version:>9}  {held:<8}  {}\n", table.name, table.location));
            if let Some(message) = &table.message {
                text.push_str(&format!("{:width$}  {message}\n", ""));
            }
        }
        text.push('\n');
    }
    for note in &report.notes {
        text.push_str(note);
        text.push('\n');
    }
    text
}
