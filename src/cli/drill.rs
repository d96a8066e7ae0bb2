//! `drill`: the whole way once, with a progress bar and a report.

use super::common::{Common, DOES_NOT_HOLD, sentence, start};
use super::report::{writable, write_json};
use clap::Args;
use resilience::runtime::{DrillReport, run_drill};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Goes the whole way once: replicate, fail over, fail back, lose a region, reclaim it
#[derive(Debug, Args)]
pub struct Drill {
    /// Where the report is written as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the drill; 0 when everything held, 1 when something did not.
pub async fn run(common: Common, drill: Drill) -> Result<ExitCode, String> {
    common.needs_sandbox("drill")?;
    if let Some(file) = &drill.json {
        writable(file)?;
    }
    let engine = start(&common).await?;
    let mut progress = Progress::new();
    let outcome = run_drill(&engine, &mut |what, percent| progress.show(what, percent)).await;
    progress.end();
    engine.stop().await;
    let report = outcome.map_err(sentence)?;
    if let Some(file) = &drill.json {
        write_json(file, &report)?;
    }
    eprint!("{}", in_words(&report));
    Ok(if report.held { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
}

fn in_words(report: &DrillReport) -> String {
    let seconds = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |s| format!("{s:.2} s"));
    let mut text = String::new();
    for step in &report.steps {
        text.push_str(&format!("  {:<34} {:>8.2} s\n", step.name, step.seconds));
    }
    text.push_str(&format!("Planned failover, RTO      {}\n", seconds(report.planned_rto_seconds)));
    text.push_str(&format!("Forced failover, RTO       {}\n", seconds(report.rto_seconds)));
    text.push_str(&format!("Forced failover, RPO       {}\n", seconds(report.rpo_seconds)));
    let lost = report.commits_lost.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    let salvaged = report.commits_salvaged.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
    text.push_str(&format!("Commits lost / salvaged    {lost} / {salvaged}\n"));
    text.push_str(&format!("Tables equal / differing   {} / {}\n", report.tables_verified, report.tables_differing));
    for problem in &report.problems {
        text.push_str(&format!("Problem: {problem}\n"));
    }
    text.push_str(if report.held { "Drill passed.\n" } else { "Drill failed.\n" });
    text
}

/// A progress bar on a terminal, a line a change elsewhere.
struct Progress {
    terminal: bool,
    shown: Option<(String, Option<u8>)>,
}

impl Progress {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: None }
    }

    fn show(&mut self, what: &str, percent: Option<u8>) {
        let now = Some((what.to_owned(), percent));
        if self.shown == now {
            return;
        }
        let new_line = self.shown.as_ref().is_none_or(|(shown, _)| shown != what);
        let mut err = std::io::stderr();
        if self.terminal {
            if new_line && self.shown.is_some() {
                let _ = writeln!(err);
            }
            let bar = percent.map_or_else(String::new, |p| {
                let full = usize::from(p) * 30 / 100;
                format!(" [{}{}] {p:>3} %", "█".repeat(full), "·".repeat(30 - full))
            });
            let _ = write!(err, "\r\x1b[K{what}{bar}");
            let _ = err.flush();
        } else if new_line {
            let _ = writeln!(err, "{what}");
        }
        self.shown = now;
    }

    fn end(&mut self) {
        if self.terminal && self.shown.is_some() {
            eprintln!();
        }
    }
}
