//! Rows whose values follow from the table's seed, their key and the version that last wrote them.

use super::schema::{Column, Kind};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use std::sync::Arc;

/// 2026-01-01 in days since the epoch: the day around which dates and times lie.
const FIRST_DAY: i32 = 20_454;
const MICROS_A_DAY: i64 = 86_400_000_000;
/// Days that a date column spans; also the number of partitions by date.
const DAYS: u64 = 6;

/// Mixes two numbers into one that looks random (splitmix64).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number that stands for a text (FNV-1a), the same on every machine and in every release.
pub fn text_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn vocabulary(column: &str) -> Option<&'static [&'static str]> {
    Some(match column {
        "region" | "territory" => &["EMEA", "Americas", "Asia & Pacific", "North/South lanes"],
        "country" => &["Germany", "Brazil", "Japan", "Canada", "Kenya"],
        "status" | "state" => &["open", "paid", "shipped", "returned", "closed"],
        "currency" => &["EUR", "USD", "JPY", "GBP"],
        "channel" => &["web", "store", "partner"],
        "site" | "warehouse" => &["Rotterdam", "Osaka", "Memphis", "Campinas"],
        "level" | "severity" => &["info", "warning", "critical"],
        "name" | "customer" | "owner" => &["Aylin Demir", "João Prado", "Mei Tanaka", "Sam O'Neil", "Zoë Ek"],
        "account" => &["1000 Cash", "1200 Receivables", "2000 Payables", "4000 Revenue"],
        _ => return None,
    })
}

fn pick<'a>(words: &[&'a str], hash: u64) -> &'a str {
    words.get((hash % words.len().max(1) as u64) as usize).copied().unwrap_or_default()
}

fn text(column: &str, hash: u64) -> String {
    match vocabulary(column) {
        Some(words) => pick(words, hash).to_owned(),
        None => format!("{column}-{:05}", hash % 100_000),
    }
}

/// A partition value as the log writes it, one of a handful.
pub(super) fn partition_value(column: &Column, hash: u64) -> String {
    match column.kind {
        Kind::Text => text(&column.name, hash % 4),
        Kind::Date => {
            let day = i64::from(FIRST_DAY) + (hash % DAYS) as i64;
            chrono::DateTime::from_timestamp(day * 86_400, 0)
                .map(|d| d.format("%Y-%m-%d").to_string())
                .unwrap_or_default()
        }
        Kind::Boolean => hash.is_multiple_of(2).to_string(),
        _ => (hash % 4).to_string(),
    }
}

/// The column's values for the rows with these keys.
pub(super) fn column_values(column: &Column, is_key: bool, ids: &[i64], salt: u64) -> ArrayRef {
    let salt = mix(salt, text_hash(&column.name));
    let hashes = ids.iter().map(|id| mix(salt, *id as u64));
    match column.kind {
        Kind::Long if is_key => Arc::new(Int64Array::from(ids.to_vec())),
        Kind::Long => Arc::new(Int64Array::from_iter_values(hashes.map(|h| (h % 1_000_000) as i64))),
        Kind::Integer => Arc::new(Int32Array::from_iter_values(hashes.map(|h| (h % 500) as i32))),
        Kind::Double => Arc::new(Float64Array::from_iter_values(hashes.map(|h| (h % 1_000_000) as f64 / 100.0))),
        // Now and then a null, so that readers meet one.
        Kind::Text => {
            Arc::new(StringArray::from_iter(hashes.map(|h| (h % 23 != 0).then(|| text(&column.name, h >> 8)))))
        }
        Kind::Boolean => Arc::new(BooleanArray::from_iter(hashes.map(|h| Some(h % 2 == 0)))),
        Kind::Date => Arc::new(Date32Array::from_iter_values(hashes.map(|h| FIRST_DAY + (h % DAYS) as i32))),
        Kind::Timestamp => {
            let start = i64::from(FIRST_DAY) * MICROS_A_DAY;
            let times = hashes.map(|h| start + (h % (DAYS * MICROS_A_DAY as u64)) as i64);
            Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
        }
        Kind::Decimal(precision, scale) => {
            let values = Decimal128Array::from_iter_values(hashes.map(|h| i128::from(h % 10_000_000)));
            match values.with_precision_and_scale(precision, scale) {
                Ok(values) => Arc::new(values),
                // Only a schema that no Delta writer makes gets here; nulls keep its type.
                Err(_) => arrow::array::new_null_array(&column.kind.arrow(), ids.len()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let column = Column { name: "status".into(), physical: "status".into(), field_id: None, kind: Kind::Text };
        let one = column_values(&column, false, &[1, 2, 3], 9);
        assert_eq!(&one, &column_values(&column, false, &[1, 2, 3], 9));
        assert_ne!(&one, &column_values(&column, false, &[1, 2, 3], 10));
    }
}
