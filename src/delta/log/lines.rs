//! Commits, JSON checkpoints and compactions as lines, so that what is in memory is a line and never the file.

use super::actions::{Action, Parser};
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::{Place, storage_failure};
use crate::delta::position::FileFingerprint;
use crate::domain::hex;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read};

/// Bytes asked for at a time.
const CHUNK: usize = 256 << 10;

/// A file of a log, line by line.
pub(super) struct Lines<'a> {
    reader: BufReader<Box<dyn Read + Send>>,
    stamp: FileFingerprint,
    line: Vec<u8>,
    number: usize,
    taken: u64,
    place: &'a dyn Place,
    path: String,
}

impl<'a> Lines<'a> {
    /// Opens a file; None if it doesn't exist, and an error where it is larger than any file of a log.
    pub fn open(place: &'a dyn Place, path: &str) -> Result<Option<Self>, DeltaError> {
        let Some(opened) = place.open(path)? else { return Ok(None) };
        let lines = Self {
            reader: BufReader::with_capacity(CHUNK, opened.reader),
            stamp: opened.stamp,
            line: Vec::new(),
            number: 0,
            taken: 0,
            place,
            path: path.to_owned(),
        };
        lines.check(lines.stamp.size)?;
        Ok(Some(lines))
    }

    fn check(&self, size: u64) -> Result<(), DeltaError> {
        if size <= bounds::LOG_FILE {
            return Ok(());
        }
        Err(DeltaError::TooLarge { path: self.place.display(&self.path), size, most: bounds::LOG_FILE })
    }

    pub fn stamp(&self) -> &FileFingerprint {
        &self.stamp
    }

    /// The next line with its end; None after the last. The inner error says which line is too long.
    #[allow(clippy::type_complexity)]
    pub fn next(&mut self) -> Result<Result<Option<&[u8]>, String>, DeltaError> {
        self.line.clear();
        self.number += 1;
        let most = bounds::LINE as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.line);
        let count = read.map_err(|error| storage_failure("read", self.place.display(&self.path), &error))?;
        self.taken += count as u64;
        self.check(self.taken)?;
        if self.line.len() > bounds::LINE {
            return Ok(Err(too_long(self.number)));
        }
        Ok(Ok((count > 0).then_some(&self.line)))
    }
}

/// Why a line isn't read.
pub(super) fn too_long(number: usize) -> String {
    format!("line {number}: it is longer than {} MiB", bounds::LINE >> 20)
}

/// Hands over the actions of a file of a log, in order; None if it doesn't exist. The inner result is the sha256 of
/// its bytes, or says what is wrong and on which line.
pub(in crate::delta) fn read_actions(
    place: &dyn Place,
    path: &str,
    mut each: impl FnMut(Action) -> Result<(), DeltaError>,
) -> Result<Option<Result<String, String>>, DeltaError> {
    let Some(mut lines) = Lines::open(place, path)? else { return Ok(None) };
    let (mut hash, mut parser) = (Sha256::new(), Parser::new(path.contains(".checkpoint.")));
    loop {
        let line = match lines.next()? {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(detail) => return Ok(Some(Err(detail))),
        };
        hash.update(line);
        match parser.line(line, &mut each) {
            Ok(result) => result?,
            Err(detail) => return Ok(Some(Err(detail))),
        }
    }
    Ok(Some(Ok(hex(&hash.finalize()))))
}
