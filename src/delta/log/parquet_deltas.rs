//! What pages say of themselves in which values are told by their differences: room is taken for as many as they claim.

use crate::delta::bounds;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use std::sync::Arc;

/// Parts of a block, each with a width of its own.
const PARTS: u64 = 4096;
/// Values of a block.
const BLOCK: u64 = 1 << 26;

struct Borrowed<'a, R>(&'a R);

impl<R: ChunkReader> Length for Borrowed<'_, R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Borrowed<'_, R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> ParquetResult<R::T> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// Looks at all pages of a column whose headers were found to be in order.
pub(super) fn check<R: ChunkReader>(input: &R, column: &ColumnChunkMetaData, rows: usize) -> Result<(), String> {
    let failed = |error: parquet::errors::ParquetError| error.to_string();
    let mut pages = SerializedPageReader::new(Arc::new(Borrowed(input)), column, rows, None).map_err(failed)?;
    while let Some(page) = pages.get_next_page().map_err(failed)? {
        let levels = levels_of(&page, column).ok_or("a page is cut short")?;
        let values = page.buffer().get(levels..).ok_or("a page is cut short")?;
        match page.encoding() {
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => _ = Deltas::begin(values)?,
            Encoding::DELTA_BYTE_ARRAY => _ = Deltas::begin(Deltas::begin(values)?.pass()?)?,
            _ => {}
        }
    }
    Ok(())
}

/// Bytes of a page before its values.
fn levels_of(page: &Page, column: &ColumnChunkMetaData) -> Option<usize> {
    let schema = column.column_descr();
    match page {
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let mut at: usize = 0;
            let all = [(schema.max_rep_level(), rep_level_encoding), (schema.max_def_level(), def_level_encoding)];
            for (most, encoding) in all.into_iter().filter(|(most, _)| *most > 0) {
                let length = if *encoding == Encoding::RLE {
                    let length: [u8; 4] = buf.get(at..at.checked_add(4)?)?.try_into().ok()?;
                    usize::try_from(u32::from_le_bytes(length)).ok()?.checked_add(4)?
                } else {
                    let width = 16 - most.unsigned_abs().leading_zeros() as usize;
                    usize::try_from(*num_values).ok()?.checked_mul(width)?.div_ceil(8)
                };
                at = at.checked_add(length)?;
            }
            Some(at)
        }
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            usize::try_from(u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)).ok()
        }
        Page::DictionaryPage { .. } => Some(0),
    }
}

/// Values that are told by their differences.
struct Deltas<'a> {
    rest: &'a [u8],
    block: u64,
    parts: u64,
    total: u64,
}

impl<'a> Deltas<'a> {
    /// Reads the beginning. No values at all may be no bytes at all.
    fn begin(mut rest: &'a [u8]) -> Result<Self, String> {
        if rest.is_empty() {
            return Ok(Self { rest, block: 0, parts: 0, total: 0 });
        }
        let (block, parts, total) = (varint(&mut rest)?, varint(&mut rest)?, varint(&mut rest)?);
        varint(&mut rest)?;
        if total > bounds::LISTED.unsigned_abs() {
            return Err(format!("a page claims {total} values, and one has at most {}", bounds::LISTED));
        }
        if block > BLOCK || parts > PARTS || parts == 0 {
            return Err(format!("a page claims blocks of {block} values in {parts} parts"));
        }
        Ok(Self { rest, block, parts, total })
    }

    /// Passes over them; returns what follows.
    fn pass(self) -> Result<&'a [u8], String> {
        let cut = || "a page is cut short".to_owned();
        let (mut rest, mut left) = (self.rest, self.total.saturating_sub(1));
        let each = self.block.checked_div(self.parts).unwrap_or(0);
        if each == 0 && left > 0 {
            return Err(format!("a page claims blocks of {} values in {} parts", self.block, self.parts));
        }
        while left > 0 {
            varint(&mut rest)?;
            let parts = usize::try_from(self.parts).map_err(|_| cut())?;
            let (widths, after) = rest.split_at_checked(parts).ok_or_else(cut)?;
            rest = after;
            for width in widths {
                if left == 0 {
                    break;
                }
                let bytes = usize::try_from(u64::from(*width) * each / 8).map_err(|_| cut())?;
                rest = rest.get(bytes..).ok_or_else(cut)?;
                left = left.saturating_sub(each);
            }
        }
        Ok(rest)
    }
}

fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut found = 0_u64;
    for at in 0..10 {
        let (byte, after) = rest.split_first().ok_or("a page is cut short")?;
        *rest = after;
        found |= u64::from(byte & 0x7f).wrapping_shl(7 * at);
        if byte & 0x80 == 0 {
            return Ok(found);
        }
    }
    Err("a number has more digits than any number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_values_is_found() {
        // Blocks of 128 values in 4 parts, three values: the first one, and two in a part of width 1.
        let bytes = [0x80, 0x01, 4, 3, 0, 0, 1, 0, 0, 0, 0xaa, 0, 0, 0, b'x'];
        assert_eq!(Deltas::begin(&bytes).and_then(Deltas::pass).as_deref(), Ok(&b"x"[..]));
        assert_eq!(Deltas::begin(&[]).and_then(Deltas::pass).as_deref(), Ok(&b""[..]));
        assert!(Deltas::begin(&bytes[..12]).and_then(Deltas::pass).is_err());
    }

    #[test]
    fn what_is_claimed_is_bounded() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0x7f];
        let claims: [[&[u8]; 4]; 4] = [
            [&[0x80, 1], &[4], &huge, &[0]],
            [&huge, &[1], &[9], &[0]],
            [&[0x80, 1], &huge, &[9], &[0]],
            [&[0], &[0], &[1], &[0]],
        ];
        for claim in claims {
            assert!(Deltas::begin(&claim.concat()).is_err(), "{claim:?}");
        }
        assert!(Deltas::begin(&[1, 2, 9, 0, 0, 0]).and_then(Deltas::pass).is_err());
    }
}
