//! `points`: reads a replication point back, and how each table is read as of then.

use super::ask::ask;
use super::common::{Common, DOES_NOT_HOLD, sentence};
use super::report::{writable, write_json};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use resilience::connect::AccountClient;
use resilience::control::PointReport;
use resilience::runtime::{AccountSource, PointAnswer, Question};
use resilience::system_tables::{StateRow, Table, lag_since};
use resilience::wire::disaster_recovery::FailoverGroupBody;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Reads back the newest replication point at or before a time: each table's version, and where the replica holds it
///
/// Ends with 0 when the replica holds every table of the point, with 1 when it does not or there is no such point. With --account-url
/// only the point itself is known: then it ends with 0 where there is one.
#[derive(Debug, Args)]
pub struct Points {
    /// The failover group
    group: String,
    /// The time, such as 2026-11-22T09:00:00Z; now without it
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<DateTime<Utc>>,
    /// With --account-url: a folder with the account's system.replication.states, which tells points before the newest one
    #[arg(long, value_name = "FOLDER")]
    states: Option<PathBuf>,
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
    if let Some(source) = common.account()? {
        return of_account(&source, &points).await;
    }
    if points.states.is_some() {
        return Err("--states is for another account's points. Name the account with --account-url.".to_owned());
    }
    let Points { group, at, json, .. } = points;
    let question = Question::Points { group: group.clone(), at };
    let answer: PointAnswer =
        ask(&common, question, async |engine| PointAnswer::of(engine.control(), &group, at).await).await?;
    let report = match answer {
        PointAnswer { report: Some(report), .. } => report,
        PointAnswer { error, .. } => return Err(error.unwrap_or_else(|| format!("There is no answer for {group}."))),
    };
    tell(json.as_deref(), &report)?;
    Ok(if report.is_held() { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}

fn tell(json: Option<&Path>, report: &PointReport) -> Result<(), String> {
    match json {
        Some(file) => write_json(file, report),
        None => {
            print!("{}", text(report));
            Ok(())
        }
    }
}

/// The point that another account tells: its newest one, or an older one of its system table.
async fn of_account(source: &AccountSource, points: &Points) -> Result<ExitCode, String> {
    let settings = source.settings().map_err(sentence)?;
    let client = AccountClient::connect(&settings, source.account_id.as_deref()).await.map_err(sentence)?;
    let group = client.group(&points.group).await.map_err(sentence)?;
    let newest = group.replication_point.as_deref().map(instant).transpose()?;
    let asked = points.at.unwrap_or_else(Utc::now);
    let mut notes = vec![
        "An account's API tells the point, not which version of each table it was. Its own console, or 'points' on its data dir, does.".to_owned(),
    ];
    let (point, first_point) = match (&points.states, newest) {
        (_, Some(newest)) if newest <= asked => (Some(newest), None),
        (Some(folder), _) => past_points(folder, &group, asked)?,
        (None, Some(newest)) => {
            notes.push(format!(
                "The newest point is {}. The API tells no older ones: name the account's system.replication.states with --states.",
                newest.to_rfc3339()
            ));
            (None, None)
        }
        (None, None) => {
            notes.push("The group has no replication point yet.".to_owned());
            (None, None)
        }
    };
    let report = PointReport { group: points.group.clone(), asked, point, first_point, tables: Vec::new(), notes };
    tell(points.json.as_deref(), &report)?;
    Ok(if report.point.is_some() { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}

/// The newest point not after `asked` that the rows of a group tell, and the first one: each row says how far behind it was.
fn past_points(folder: &Path, group: &FailoverGroupBody, asked: DateTime<Utc>) -> Result<FoundPoints, String> {
    let states = Table::open_to_read::<StateRow>(folder).map_err(sentence)?;
    let states = states.ok_or_else(|| {
        format!("{} is no Delta table. Name the folder of system.replication.states.", folder.display())
    })?;
    let name = group.name.clone().unwrap_or_default();
    let short = name.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found: FoundPoints = (None, None);
    let lags = lag_since(&states, DateTime::UNIX_EPOCH).map_err(sentence)?;
    for row in [short, name].iter().filter_map(|name| lags.get(name)).flatten() {
        let lag = row.lag_ms.and_then(|lag| i64::try_from(lag).ok()).and_then(TimeDelta::try_milliseconds);
        let Some(point) = lag.and_then(|lag| row.at.checked_sub_signed(lag)) else { continue };
        found.1 = Some(found.1.map_or(point, |first| first.min(point)));
        if point <= asked {
            found.0 = found.0.max(Some(point));
        }
    }
    Ok(found)
}

/// A point, and the first one that is known.
type FoundPoints = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

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
