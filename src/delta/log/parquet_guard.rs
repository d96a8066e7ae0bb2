//! Whether a Parquet file can be read in bounded memory, found from what it claims before the library believes it.
//!
//! A footer says how long it is, a list how many entries it has, a page how large it becomes, a dictionary how many values
//! it holds. Room is taken for all of these before a byte of them is seen.

use super::parquet_deltas;
use super::thrift::Thrift;
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::{Place, RandomAccess};
use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;
use std::io::Read;
use std::panic::AssertUnwindSafe;

/// The bytes that end a file: its footer's length and four letters.
const TAIL: u64 = 8;
/// The field of a footer that lists its columns, and that of a column which says how many columns are in it.
const SCHEMA: i64 = 2;
const CHILDREN: i64 = 5;

/// Opens a Parquet file of somebody else's; None where there is none, an error where it is larger than its bound.
pub(in crate::delta) fn open_parquet(place: &dyn Place, path: &str) -> Result<Option<RandomAccess>, DeltaError> {
    let opened = place.open_random(path)?;
    match &opened {
        Some(input) if input.size() > bounds::PARQUET_FILE => {
            let (size, most) = (input.size(), bounds::PARQUET_FILE);
            Err(DeltaError::TooLarge { path: place.display(path), size, most })
        }
        _ => Ok(opened),
    }
}

/// Runs what reads a Parquet file. The library trusts its input in places, and a file must end nothing but its own reading.
pub(in crate::delta) fn guarded<T, E>(
    failed: impl FnOnce(String) -> E,
    read: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let read = std::panic::catch_unwind(AssertUnwindSafe(read));
    read.unwrap_or_else(|_| Err(failed("the Parquet library failed on it".to_owned())))
}

/// Looks at the footer of a Parquet file; an error says what is wrong with it.
pub fn check_footer<R: ChunkReader>(input: &R) -> Result<(), String> {
    let size = input.len();
    let too_short = || "it is too short for a Parquet file".to_owned();
    let at = size.checked_sub(TAIL).ok_or_else(too_short)?;
    let tail = input.get_bytes(at, 8).map_err(|error| error.to_string())?;
    let length = match *tail {
        [a, b, c, d, ..] => u64::from(u32::from_le_bytes([a, b, c, d])),
        _ => return Err(too_short()),
    };
    if length > bounds::FOOTER {
        return Err(format!("its footer claims {length} bytes, and one has at most {}", bounds::FOOTER));
    }
    let begins = at.checked_sub(length).ok_or_else(|| "its footer claims more bytes than it has".to_owned())?;
    let reader = input.get_read(begins).map_err(|error| error.to_string())?;
    let mut footer = Thrift::new(reader, length, bounds::FOOTER_ENTRIES).watching(SCHEMA, CHILDREN);
    let read = footer.structure().and_then(|_| check_schema(&footer.found));
    read.map_err(|detail| format!("its footer cannot be read: {detail}"))
}

/// Whether columns have the columns in them that they claim, each as many, and not too deep in each other.
fn check_schema(children: &[i64]) -> Result<(), String> {
    // Columns that are yet to come, on each level.
    let mut open: Vec<u64> = Vec::new();
    for (at, claimed) in children.iter().enumerate() {
        if let Some(left) = open.last_mut() {
            *left = left.saturating_sub(1);
        }
        match u64::try_from(*claimed) {
            Ok(claimed) if claimed <= (children.len() - at) as u64 => {
                if claimed > 0 {
                    open.push(claimed);
                }
            }
            _ => return Err(format!("a column claims {claimed} columns in it")),
        }
        if open.len() > bounds::COLUMNS_DEEP {
            return Err(format!("its columns lie more than {} deep in each other", bounds::COLUMNS_DEEP));
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// Looks at the pages of the columns `leaves`; returns how many rows to read at a time, so that not even a value that
/// stands in each of them takes much memory.
pub fn check_pages<R: ChunkReader>(input: &R, metadata: &ParquetMetaData, leaves: &[usize]) -> Result<usize, String> {
    let mut rows: u64 = 0;
    let mut largest = 0;
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).map_err(|_| "it claims a negative number of rows")?);
        if rows > bounds::ROWS {
            return Err(format!("it claims more than {} rows", bounds::ROWS));
        }
        let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        for column in leaves.iter().filter_map(|leaf| group.columns().get(*leaf)) {
            let (start, end) = extent(column, input.len())?;
            let shared = Chunk { input, column, rows }.check(start, end);
            largest = largest.max(shared.map_err(|detail| format!("column {}: {detail}", column.column_path()))?);
        }
    }
    let fit = bounds::BATCH / largest.max(1);
    Ok(usize::try_from(fit.clamp(1, bounds::BATCH_ROWS)).unwrap_or(1))
}

/// Where the pages of a column lie.
fn extent(column: &ColumnChunkMetaData, size: u64) -> Result<(u64, u64), String> {
    let wrong = |_| format!("column {} claims a negative place", column.column_path());
    let data = u64::try_from(column.data_page_offset()).map_err(wrong)?;
    let start = column.dictionary_page_offset().map(u64::try_from).transpose().map_err(wrong)?.unwrap_or(data);
    let length = u64::try_from(column.compressed_size()).map_err(wrong)?;
    match start.checked_add(length) {
        Some(end) if end <= size => Ok((start, end)),
        _ => Err(format!("column {} claims to lie beyond the end of the file", column.column_path())),
    }
}

struct Chunk<'a, R> {
    input: &'a R,
    column: &'a ColumnChunkMetaData,
    rows: usize,
}

impl<R: ChunkReader> Chunk<'_, R> {
    /// Goes through the headers of the pages; returns the bytes of the largest value that many rows can share.
    fn check(&self, mut at: u64, end: u64) -> Result<u64, String> {
        let (mut shared, mut deltas) = (0, false);
        let mut pages: u64 = 0;
        while at < end {
            pages += 1;
            if pages > bounds::PAGES {
                return Err(format!("it has more than {} pages", bounds::PAGES));
            }
            let reader = self.input.get_read(at).map_err(|error| error.to_string())?;
            let most = bounds::PAGE_HEADER.min(end - at);
            let mut thrift = Thrift::new(reader.take(most), most, bounds::FOOTER_ENTRIES);
            let numbers = thrift.structure().map_err(|detail| format!("a page's header cannot be read: {detail}"))?;
            let number = |within, id| numbers.get(&(within, id)).copied();
            let size = |id| number(0, id).and_then(|size| u64::try_from(size).ok());
            let (Some(kind), Some(whole), Some(packed)) = (number(0, 1), size(2), size(3)) else {
                return Err("a page claims no size, or a negative one".to_owned());
            };
            if whole.max(packed) > bounds::PAGE {
                return Err(format!("a page claims {} bytes, and one has at most {}", whole.max(packed), bounds::PAGE));
            }
            // Each value of a dictionary takes some bytes of it.
            let values = number(7, 1).unwrap_or(0);
            if kind == 2 {
                let each = if self.column.column_type() == Type::FIXED_LEN_BYTE_ARRAY { 1 } else { 4 };
                if u64::try_from(values).map_or(true, |values| values > whole / each) {
                    return Err(format!("a dictionary of {whole} bytes claims {values} values"));
                }
                shared = shared.max(whole);
            }
            // Values that are told by their differences (5 and 6), or by what they have in common with the one before (7).
            let encoding = if kind == 3 { number(8, 4) } else { number(5, 2) };
            deltas |= matches!(encoding, Some(5..=7));
            if encoding == Some(7) {
                shared = shared.max(whole);
            }
            let is_list = self.column.column_descr().max_rep_level() > 0;
            if is_list && number(5, 1).max(number(8, 1)).unwrap_or(0) > bounds::LISTED {
                return Err(format!("a page claims more than {} entries of lists", bounds::LISTED));
            }
            at = at.saturating_add(most - thrift.left()).saturating_add(packed);
        }
        if deltas {
            parquet_deltas::check(self.input, self.column, self.rows)?;
        }
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_claims_no_more_columns_than_it_has() {
        assert!(check_schema(&[2, 0, 2, 0, 0]).is_ok());
        for children in [&[1 << 29, 0][..], &[-1], &[3, 0]] {
            assert!(check_schema(children).is_err(), "{children:?}");
        }
        assert!(check_schema(&vec![1; 100_000]).is_err_and(|error| error.contains("deep")));
        assert!(check_schema(&[&[5000][..], &[0; 5000]].concat()).is_ok());
    }
}
