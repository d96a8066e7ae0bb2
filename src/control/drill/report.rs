//! A drill's report as one HTML page that needs nothing else and prints well.

use crate::domain::{Drill, DrillKind, DrillOutcome, RunBookStep, StepStatus, Timestamp};
use std::fmt::Write;
use std::sync::Arc;

const STYLE: &str = "
@page{size:A4;margin:16mm 14mm}
:root{color-scheme:light}
*{box-sizing:border-box}
body{font:14px/1.5 system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;color:#1b1f24;background:#fff;max-width:62rem;margin:2.5rem auto;padding:0 2rem;-webkit-print-color-adjust:exact;print-color-adjust:exact}
h1{font-size:1.55rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .75rem}
h2{font-size:1.02rem;margin:2.25rem 0 .6rem}
p.lead{margin:0 0 1.5rem;padding:.7rem 1rem;border-left:4px solid currentColor;border-radius:4px;background:#f5f7f9}
p.lead strong{color:#1b1f24;font-weight:600}
.held{color:#0a6b2f}.not_held{color:#b3261e}.running{color:#1f5fae}.partly{color:#8a5a00}.quiet{color:#5b6470}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 2rem;margin:0}dt{color:#5b6470}dd{margin:0;font-variant-numeric:tabular-nums}
ul{margin:.25rem 0;padding-left:1.2rem}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:.5rem 1rem .5rem 0;border-bottom:1px solid #e3e7ec;vertical-align:top}
th{color:#5b6470;font-weight:600;font-size:12px;border-bottom-color:#c8ced6}
th:last-child,td:last-child{padding-right:0}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.t{white-space:nowrap;font-variant-numeric:tabular-nums;color:#5b6470}
td.s{white-space:nowrap;font-weight:500}
.chip{white-space:nowrap;font-weight:600}
.chip::before{content:'';display:inline-block;width:8px;height:8px;border-radius:50%;background:currentColor;margin-right:.45em}
p.said{margin:.2rem 0 0;color:#5b6470}p.note{white-space:pre-line;color:#1b1f24;border-left:2px solid #c8ced6;padding-left:.6rem}
code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:#5b6470}
footer{margin:2.5rem 0 0;padding-top:.75rem;border-top:1px solid #e3e7ec;color:#5b6470;font-size:12px}
@media print{body{margin:0;max-width:none;padding:0;font-size:10.5pt}table{font-size:9pt}th{font-size:8.5pt}thead{display:table-header-group}h2{break-after:avoid}tr,svg,dl{break-inside:avoid}}
";

/// The report of `drill`; `all` are the drills of its group, of which it shows the trend.
pub fn drill_report(drill: &Drill, all: &[Arc<Drill>]) -> String {
    let mut page = String::new();
    // Writing to a String can't fail.
    let _ = write_page(&mut page, drill, all);
    page
}

fn write_page(page: &mut String, drill: &Drill, all: &[Arc<Drill>]) -> std::fmt::Result {
    let title = format!("{} of {}", capital(drill.kind.label()), drill.group);
    write!(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head><body>\
         <h1>{0}</h1><p class=\"lead {1}\"><strong>{2}</strong></p><dl>",
        text(&title),
        class(drill.outcome),
        text(&drill.sentence()),
    )?;
    fact(page, "Started", &time(drill.started))?;
    fact(page, "Ended", &drill.ended.map_or_else(|| "It still runs.".to_owned(), time))?;
    fact(page, "Started by", &drill.requested_by)?;
    fact(page, "Primary when it started", drill.primary.as_str())?;
    fact(page, "Secondary when it started", drill.secondary.as_str())?;
    match drill.kind {
        DrillKind::Full => {
            fact(page, "RTO over", &seconds(drill.rto_seconds))?;
            fact(page, "RTO back", &seconds(drill.failback_rto_seconds))?;
            fact(page, "Replication point behind at the start", &seconds(drill.rpo_seconds))?;
            fact(page, "Commits lost", "None. A planned failover ships everything before it cuts over.")?;
            if let Some(who) = &drill.let_go_by {
                fact(page, "Let go on by", who)?;
            }
        }
        DrillKind::Isolated => {
            fact(page, "Replication point", &drill.point.map_or_else(|| "unknown".to_owned(), time))?;
            fact(page, "RPO at the start", &seconds(drill.rpo_seconds))?;
        }
    }
    fact(page, "Tables verified", &drill.tables_verified.to_string())?;
    page.push_str("</dl>");
    if !drill.problems.is_empty() {
        page.push_str("<h2>What doesn't hold</h2><ul>");
        for problem in &drill.problems {
            write!(page, "<li>{}</li>", text(problem))?;
        }
        page.push_str("</ul>");
    }
    steps(page, drill)?;
    trend(page, drill, all)?;
    tables(page, drill)?;
    writeln!(
        page,
        "<footer>Drill {} · Resilience Console {} · every time is in UTC</footer></body></html>",
        text(&drill.id),
        env!("CARGO_PKG_VERSION"),
    )?;
    Ok(())
}

fn steps(page: &mut String, drill: &Drill) -> std::fmt::Result {
    page.push_str("<h2>Steps</h2><table><thead><tr><th>Step</th><th>Outcome</th><th class=\"n\">Seconds</th><th>Began (UTC)</th><th>What happened</th></tr></thead><tbody>");
    for record in &drill.steps {
        let (status, word) = outcome(record.status);
        write!(
            page,
            "<tr><td class=\"s\">{}</td><td><span class=\"chip {status}\">{word}</span></td><td class=\"n\">{}</td><td class=\"t\">{}</td><td>{}",
            record.step.label(),
            record.seconds().map_or_else(String::new, |s| format!("{s:.2}")),
            record.started.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
            text(record.note.as_deref().unwrap_or_default()),
        )?;
        if let Some(approved) = &record.approved {
            write!(page, "<p class=\"said\">{} let it go on at {}.</p>", text(&approved.by), time(approved.at))?;
        }
        if let Some(book) = &record.book {
            book_words(page, book)?;
        }
        page.push_str("</td></tr>");
    }
    page.push_str("</tbody></table>");
    Ok(())
}

/// What the run-book said of a step.
fn book_words(page: &mut String, book: &RunBookStep) -> std::fmt::Result {
    let mut said = Vec::new();
    if !book.owner.is_empty() {
        said.push(format!("Owner: {}.", book.owner));
    }
    if book.gate {
        said.push("Waits for a person.".to_owned());
    }
    if let Some(minutes) = book.timeout_minutes {
        said.push(format!("Timeout: {minutes} min."));
    }
    if !said.is_empty() {
        write!(page, "<p class=\"said\">{}</p>", text(&said.join(" ")))?;
    }
    if !book.note.is_empty() {
        write!(page, "<p class=\"said note\">{}</p>", text(&book.note))?;
    }
    Ok(())
}

/// A step's outcome: its class and its word.
fn outcome(status: StepStatus) -> (&'static str, &'static str) {
    match status {
        StepStatus::Done => ("held", "Done"),
        StepStatus::Partly => ("partly", "Partly done"),
        StepStatus::Failed => ("not_held", "Failed"),
        StepStatus::Skipped => ("quiet", "Skipped"),
        StepStatus::Running => ("running", "Running"),
        StepStatus::Pending => ("quiet", "Pending"),
    }
}

/// RTO (or RPO of isolated drills) over the drills of this kind, oldest first, as a chart.
fn trend(page: &mut String, drill: &Drill, all: &[Arc<Drill>]) -> std::fmt::Result {
    let (name, of): (_, fn(&Drill) -> Option<f64>) = match drill.kind {
        DrillKind::Full => ("RTO over", |drill| drill.rto_seconds),
        DrillKind::Isolated => ("RPO", |drill| drill.rpo_seconds),
    };
    let like = all.iter().rev().filter(|other| other.kind == drill.kind && other.started <= drill.started);
    let mut points: Vec<(Timestamp, f64)> = like.filter_map(|other| Some((other.started, of(other)?))).collect();
    points.drain(..points.len().saturating_sub(30));
    if points.len() < 2 {
        return Ok(());
    }
    let most = points.iter().map(|(_, value)| *value).fold(0.001, f64::max);
    let step = 680.0 / (points.len() - 1) as f64;
    let place = |index: usize, value: f64| (60.0 + step * index as f64, 130.0 - 110.0 * value / most);
    write!(page, "<h2>{name} over {} drills</h2><svg viewBox=\"0 0 760 160\" role=\"img\">", points.len())?;
    write!(
        page,
        "<line x1=\"60\" y1=\"130\" x2=\"740\" y2=\"130\" stroke=\"#c8ced6\"/><text x=\"0\" y=\"24\">{most:.1} s</text><text x=\"0\" y=\"134\">0 s</text>"
    )?;
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(index, (_, value))| {
            let (x, y) = place(index, *value);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    write!(page, "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fae\" stroke-width=\"2\"/>", line.join(" "))?;
    for (index, (at, value)) in points.iter().enumerate() {
        let (x, y) = place(index, *value);
        write!(
            page,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"#1f5fae\"><title>{}: {value:.2} s</title></circle>",
            time(*at)
        )?;
    }
    if let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) {
        let day = |at: &Timestamp| at.format("%Y-%m-%d").to_string();
        write!(
            page,
            "<text x=\"60\" y=\"150\">{}</text><text x=\"740\" y=\"150\" text-anchor=\"end\">{}</text>",
            day(first),
            day(last)
        )?;
    }
    page.push_str("</svg>");
    Ok(())
}

fn tables(page: &mut String, drill: &Drill) -> std::fmt::Result {
    if drill.tables.is_empty() {
        return Ok(());
    }
    page.push_str("<h2>Tables</h2><table><thead><tr><th>Table</th><th class=\"n\">Version</th><th class=\"n\">Files</th><th class=\"n\">Rows in files</th><th class=\"n\">Bytes</th></tr></thead><tbody>");
    for table in &drill.tables {
        write!(
            page,
            "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            text(&table.name),
            table.version,
            grouped(table.files),
            table.rows.map_or_else(|| "not read".to_owned(), grouped),
            grouped(table.bytes),
        )?;
    }
    page.push_str("</tbody></table>");
    Ok(())
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = digits.as_str();
    while rest.len() > 3 {
        let (head, tail) = rest.split_at(rest.len() - 3);
        parts.insert(0, tail);
        rest = head;
    }
    parts.insert(0, rest);
    parts.join("\u{202f}")
}

fn fact(page: &mut String, name: &str, value: &str) -> std::fmt::Result {
    write!(page, "<dt>{name}</dt><dd>{}</dd>", text(value))
}

fn class(outcome: DrillOutcome) -> &'static str {
    match outcome {
        DrillOutcome::Running => "running",
        DrillOutcome::Held => "held",
        DrillOutcome::NotHeld => "not_held",
    }
}

fn time(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.1} s"))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text that can't become markup.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for letter in raw.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}
