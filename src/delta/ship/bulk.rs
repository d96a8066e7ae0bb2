//! Hands data files of big shipments to a program that copies them outside this process, and checks what it says of them.

use super::load::Load;
use super::{Sameness, same_file};
use crate::delta::bulk::{BulkFile, BulkJob, BulkOutcome};
use crate::delta::copy::hash_file;
use crate::delta::position::FileFingerprint;
use crate::delta::{DeltaError, FileRecord, TableRoot, Transfer, pool};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// Files of a job that are read back, and bytes of them at most.
const READ_BACK_FILES: usize = 16;
const READ_BACK_BYTES: u64 = 256 << 20;

/// A file that can be handed over.
struct Candidate<'a> {
    load: &'a Load,
    table: usize,
    path: &'a str,
    /// The source's, from before the job.
    stamp: FileFingerprint,
    check: bool,
}

/// Lets the bulk engine copy what `loads` still need, where there is one and it's enough to be worth a job. What's left is copied here.
pub(super) fn copy_outside(loads: &[Load], transfer: &Transfer) {
    let Some(engine) = &transfer.bulk else { return };
    let from = transfer.limits.get().bulk_from;
    let planned = loads.iter().flat_map(Load::data_jobs).fold(0, |sum, (size, _)| u64::saturating_add(sum, size));
    if planned < from {
        return;
    }
    let candidates = candidates(loads, transfer);
    if candidates.iter().fold(0, |sum, file| u64::saturating_add(sum, file.stamp.size)) < from {
        return;
    }
    let job = BulkJob {
        tables: loads.iter().map(Load::roots).collect(),
        files: candidates.iter().map(Candidate::file).collect(),
        stop: transfer.stop.clone(),
        bytes_per_second: transfer.limits.get().bandwidth.map(|rate| rate.bytes_per_second()),
    };
    let mut outcomes: Vec<Option<BulkOutcome>> = vec![None; job.files.len()];
    let ended = engine.copy(&job, &mut |file, outcome| {
        let Some(slot) = outcomes.get_mut(file) else { return };
        if let (None, BulkOutcome::Copied { size, .. }) = (&*slot, &outcome) {
            transfer.copied_bytes.fetch_add(*size, Ordering::Relaxed);
        }
        *slot = Some(outcome);
    });
    fail::fail_point!("delta.after_bulk_copy");
    let results: Vec<(Candidate<'_>, Option<BulkOutcome>)> = candidates.into_iter().zip(outcomes).collect();
    if let Some(why) = first_lie(&results) {
        // Nothing that it says counts: each file is compared with its source here.
        tracing::error!("{why}");
        engine.disbelieve(&why);
        return;
    }
    let why = match ended {
        Ok(()) => "it ended without a word about this file".to_owned(),
        Err(why) => why,
    };
    pool::each(&results, transfer.parallel, |(file, outcome)| {
        file.load.attempt(|| match outcome {
            Some(BulkOutcome::Copied { size, sha256 } | BulkOutcome::Same { size, sha256 }) => {
                file.take(*size, sha256, matches!(outcome, Some(BulkOutcome::Copied { .. })))
            }
            Some(BulkOutcome::Other | BulkOutcome::Absent) => Ok(()),
            Some(BulkOutcome::Failed(detail)) => Err(file.failed(detail)),
            None if transfer.stop.load(Ordering::Relaxed) => {
                Err(DeltaError::Stopped { table: file.load.target().display("") })
            }
            None => Err(file.failed(&why)),
        });
    });
}

/// The files that the target doesn't have, or may have under the same size.
fn candidates<'a>(loads: &'a [Load], transfer: &Transfer) -> Vec<Candidate<'a>> {
    let wanted = loads.iter().enumerate().filter(|(_, load)| load.can_be_handed());
    let wanted: Vec<_> = wanted
        .flat_map(|(table, load)| load.data_jobs().into_iter().map(move |(_, path)| (table, load, path)))
        .collect();
    let found = Mutex::new(Vec::with_capacity(wanted.len()));
    pool::each(&wanted, transfer.parallel, |&(table, load, path)| {
        load.attempt(|| {
            let Some(stamp) = load.source.stat(path)? else { return Ok(()) };
            let check = match load.target().stat(path)? {
                None => false,
                Some(replica) => match same_file(load.kept(path).as_ref(), &stamp, &replica) {
                    Sameness::Unknown => true,
                    Sameness::Same | Sameness::Other => return Ok(()),
                },
            };
            let candidate = Candidate { load, table, path, stamp, check };
            found.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(candidate);
            Ok(())
        });
    });
    let mut found = found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    found.retain(|candidate| candidate.load.is_well());
    found
}

/// Reads a few files back, drawn at random; a sentence where one isn't what was said of it.
fn first_lie(results: &[(Candidate<'_>, Option<BulkOutcome>)]) -> Option<String> {
    let mut drawn: Vec<(uuid::Uuid, &Candidate<'_>, u64, &str)> = results
        .iter()
        .filter_map(|(file, outcome)| match outcome {
            Some(BulkOutcome::Copied { size, sha256 } | BulkOutcome::Same { size, sha256 }) => {
                Some((uuid::Uuid::new_v4(), file, *size, sha256.as_str()))
            }
            _ => None,
        })
        .collect();
    drawn.sort_by_key(|(number, ..)| *number);
    let mut left = READ_BACK_BYTES;
    for (_, file, size, sha256) in drawn.into_iter().take(READ_BACK_FILES) {
        if size > left {
            continue;
        }
        left -= size;
        let target = file.load.target();
        match hash_file(target, file.path) {
            Ok(Some((found, hash))) if found == size && hash == sha256 => {}
            // A store that doesn't answer now says nothing about the copy; whatever comes next meets it, too.
            Err(_) => {}
            Ok(_) => {
                return Some(format!(
                    "The copy engine said that it copied {}, and the file there is another one. Its files are compared with their sources.",
                    target.display(file.path)
                ));
            }
        }
    }
    None
}

impl Candidate<'_> {
    fn file(&self) -> BulkFile {
        BulkFile { table: self.table, path: self.path.to_owned(), size: self.stamp.size, check: self.check }
    }

    fn failed(&self, detail: &str) -> DeltaError {
        DeltaError::CopyJob {
            table: self.load.target().display(""),
            path: self.path.to_owned(),
            detail: detail.trim_end_matches('.').to_owned(),
        }
    }

    /// Takes a file in whose size is as said and whose source stood still; others are compared here.
    fn take(&self, size: u64, sha256: &str, copied: bool) -> Result<(), DeltaError> {
        let stood_still = self.load.source.stat(self.path)?.is_some_and(|now| now.matches(&self.stamp));
        let whole = self.load.target().stat(self.path)?.is_some_and(|replica| replica.size == size);
        if stood_still && whole && size == self.stamp.size {
            let stamp = Some(self.stamp.clone());
            let record = FileRecord { path: self.path.to_owned(), size, sha256: sha256.to_owned(), stamp };
            self.load.take_in(record, if copied { size } else { 0 });
        }
        Ok(())
    }
}

impl Load {
    /// Data files that are left to copy, with their sizes as far as the log tells.
    fn data_jobs(&self) -> Vec<(u64, &str)> {
        let jobs = self.jobs().into_iter();
        jobs.filter_map(|(size, job)| match job {
            super::load::Job::Data(index) => self.shipment.files.get(index).map(|file| (size, file.path.as_str())),
            super::load::Job::LogFile(_) | super::load::Job::Commits => None,
        })
        .collect()
    }

    fn roots(&self) -> (TableRoot, TableRoot) {
        (self.shipment.source.files().clone(), self.shipment.target.files().clone())
    }

    /// Whether another program can open both ends.
    fn can_be_handed(&self) -> bool {
        let opens = |root: &TableRoot| match root.files() {
            TableRoot::Local(_) => true,
            TableRoot::Remote { login, .. } => login.is_some(),
            TableRoot::Ratified { .. } => false,
        };
        opens(&self.shipment.source) && opens(&self.shipment.target)
    }
}
