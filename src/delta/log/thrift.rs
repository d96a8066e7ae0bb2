//! Goes through Thrift's compact protocol without believing what it claims: of a Parquet file's footer and page headers.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// Structures within structures: Parquet's own go five deep.
const DEPTH: usize = 24;

/// Numbers of a structure, by the field that they lie in (0 for the structure itself) and their own.
pub(super) type Numbers = BTreeMap<(i64, i64), i64>;

/// Reads one structure.
pub(super) struct Thrift<R> {
    from: R,
    /// Bytes that may still be taken.
    left: u64,
    /// Structures that lie in lists.
    listed: u64,
    most_listed: u64,
    /// The number that is watched, by the list whose structures hold it and its own field; and what was found of it.
    watched: Option<(i64, i64)>,
    pub found: Vec<i64>,
}

impl<R: Read> Thrift<R> {
    /// Reads from `from`, at most `bytes`, and at most so many structures in lists.
    pub fn new(from: R, bytes: u64, most_listed: u64) -> Self {
        Self { from, left: bytes, listed: 0, most_listed, watched: None, found: Vec::new() }
    }

    /// Keeps a number of each structure in one of the outermost lists, in order; 0 where it has none.
    pub fn watching(self, list: i64, field: i64) -> Self {
        Self { watched: Some((list, field)), ..self }
    }

    /// Bytes that are left of those that could be taken.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The numbers of a structure and of those right in it.
    pub fn structure(&mut self) -> Result<Numbers, String> {
        let mut numbers = Numbers::new();
        self.fields(0, Some(0), &mut numbers)?;
        Ok(numbers)
    }

    fn fields(&mut self, depth: usize, within: Option<i64>, numbers: &mut Numbers) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("its structures lie more than {DEPTH} deep in each other"));
        }
        let mut id: i64 = 0;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Ok(());
            }
            id = match i64::from(head >> 4) {
                0 => self.number()?,
                step => id.saturating_add(step),
            };
            match kind {
                4..=6 => {
                    let found = self.number()?;
                    if let Some(within) = within {
                        numbers.insert((within, id), found);
                    }
                }
                12 => self.fields(depth + 1, within.filter(|within| *within == 0).map(|_| id), numbers)?,
                // A boolean's value is its type.
                1 | 2 => {}
                9 | 10 => {
                    let field = self.watched.filter(|(list, _)| depth == 0 && *list == id).map(|(_, field)| field);
                    self.list(depth + 1, field)?;
                }
                kind => self.skip(depth + 1, kind)?,
            }
        }
    }

    /// Passes over a value that isn't a field.
    fn skip(&mut self, depth: usize, kind: u8) -> Result<(), String> {
        match kind {
            1..=3 => self.pass(1),
            4..=6 => self.number().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.unsigned()?;
                self.pass(length)
            }
            9 | 10 => self.list(depth, None),
            11 => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.skip(depth + 1, kinds >> 4)?;
                    self.skip(depth + 1, kinds & 0x0f)?;
                }
                Ok(())
            }
            12 => self.fields(depth, None, &mut Numbers::new()),
            13 => self.pass(16),
            kind => Err(format!("it holds a value of the unknown type {kind}")),
        }
    }

    /// Passes over a list; keeps the number `field` of its structures where one is given.
    fn list(&mut self, depth: usize, field: Option<i64>) -> Result<(), String> {
        let head = self.byte()?;
        let (kind, count) = (head & 0x0f, if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) });
        if depth > DEPTH {
            return Err(format!("its structures lie more than {DEPTH} deep in each other"));
        }
        // Each takes a byte at least.
        if count > self.left {
            return Err(format!("a list claims {count} entries, more than there are bytes"));
        }
        self.listed = self.listed.saturating_add(count);
        if self.listed > self.most_listed {
            return Err(format!("its lists have more than {} entries", self.most_listed));
        }
        for _ in 0..count {
            match field {
                Some(field) if kind == 12 => {
                    let mut numbers = Numbers::new();
                    self.fields(depth + 1, Some(0), &mut numbers)?;
                    self.found.push(numbers.get(&(0, field)).copied().unwrap_or(0));
                }
                _ => self.skip(depth + 1, kind)?,
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, String> {
        let mut byte = [0];
        self.take(1)?;
        self.from.read_exact(&mut byte).map_err(|error| error.to_string())?;
        Ok(byte[0])
    }

    fn unsigned(&mut self) -> Result<u64, String> {
        let mut found = 0_u64;
        for at in 0..10 {
            let byte = self.byte()?;
            found |= u64::from(byte & 0x7f).wrapping_shl(7 * at);
            if byte & 0x80 == 0 {
                return Ok(found);
            }
        }
        Err("a number has more digits than any number".to_owned())
    }

    fn number(&mut self) -> Result<i64, String> {
        let found = self.unsigned()?;
        Ok((found >> 1).cast_signed() ^ -(found & 1).cast_signed())
    }

    fn pass(&mut self, length: u64) -> Result<(), String> {
        self.take(length)?;
        let passed = io::copy(&mut (&mut self.from).take(length), &mut io::sink());
        match passed.map_err(|error| error.to_string())? {
            passed if passed == length => Ok(()),
            _ => Err("it ends in the middle of a value".to_owned()),
        }
    }

    fn take(&mut self, length: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(length).ok_or("it is cut short, or claims more than there is")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Numbers, String> {
        Thrift::new(bytes, bytes.len() as u64, 1000).structure()
    }

    #[test]
    fn numbers_are_found_where_they_lie() {
        // 1: i32 5, 3: { 2: i32 -1 }, 4: a text of two bytes.
        let bytes = [0x15, 10, 0x2c, 0x25, 1, 0, 0x18, 2, b'a', b'b', 0];
        let numbers = read(&bytes).expect("a structure");
        assert_eq!(numbers, Numbers::from([((0, 1), 5), ((3, 2), -1)]));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_claimed_is_not_believed() {
        // A text of 2^62 bytes, a list of as many structures, and structures without end in each other.
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];
        assert!(read(&[&[0x18][..], &huge].concat()).is_err());
        assert!(read(&[&[0x19, 0xfc][..], &huge].concat()).is_err());
        assert!(read(&[&[0x1b][..], &huge, &[0x55]].concat()).is_err());
        assert!(read(&vec![0x1c; 1 << 20]).is_err());
        assert!(read(&vec![0x19; 1 << 20]).is_err());
    }
}
