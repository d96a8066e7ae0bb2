//! What the job writes of each file, read as it grows.

use crate::delta::bulk::BulkOutcome;
use serde::Deserialize;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes read at a time.
const MOST: u64 = 8 << 20;

/// The file of results, and how far it was read.
pub(super) struct Said {
    path: PathBuf,
    at: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum SaidOutcome {
    Known(BulkOutcome),
    /// It wasn't begun, because its credentials were about to end.
    Late,
}

#[derive(Deserialize)]
struct Line {
    file: usize,
    outcome: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    detail: String,
}

impl Said {
    pub fn new(path: PathBuf) -> Self {
        Self { path, at: 0 }
    }

    /// The results that were written since, of whole lines.
    pub fn read(&mut self) -> Vec<(usize, SaidOutcome)> {
        let mut out = Vec::new();
        loop {
            let mut bytes = Vec::new();
            let read = File::open(&self.path).and_then(|mut file| {
                file.seek(SeekFrom::Start(self.at))?;
                file.take(MOST).read_to_end(&mut bytes)
            });
            let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n').filter(|_| read.is_ok()) else { return out };
            self.at += end as u64 + 1;
            let lines = bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n');
            out.extend(lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()).filter_map(outcome));
        }
    }
}

fn outcome(line: Line) -> Option<(usize, SaidOutcome)> {
    let is_hash = line.sha256.len() == 64 && line.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = match line.outcome.as_str() {
        "copied" if is_hash => BulkOutcome::Copied { size: line.size, sha256: line.sha256 },
        "same" if is_hash => BulkOutcome::Same { size: line.size, sha256: line.sha256 },
        "other" => BulkOutcome::Other,
        "absent" => BulkOutcome::Absent,
        "failed" => BulkOutcome::Failed(line.detail),
        "late" => return Some((line.file, SaidOutcome::Late)),
        _ => return None,
    };
    Some((line.file, SaidOutcome::Known(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_waits_for_its_other_half_and_nonsense_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results.jsonl");
        let hash = "ab".repeat(32);
        let line = format!(r#"{{"file": 3, "outcome": "copied", "size": 7, "sha256": "{hash}"}}"#);
        let (begin, end) = line.split_at(20);
        std::fs::write(&path, format!("nonsense\n{{\"file\": 1, \"outcome\": \"late\"}}\n{begin}")).expect("written");
        let mut said = Said::new(path.clone());
        assert_eq!(said.read(), [(1, SaidOutcome::Late)]);
        assert!(said.read().is_empty());
        let bad = r#"{"file": 4, "outcome": "copied", "size": 7, "sha256": "no hash"}"#;
        std::fs::write(&path, format!("nonsense\n{{\"file\": 1, \"outcome\": \"late\"}}\n{begin}{end}\n{bad}\n"))
            .expect("written");
        let copied = BulkOutcome::Copied { size: 7, sha256: hash };
        assert_eq!(said.read(), [(3, SaidOutcome::Known(copied))]);
    }
}
