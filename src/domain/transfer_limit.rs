//! How much replication may take of a machine and its lines.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::str::FromStr;

/// Files moved at a time where nothing else is said; help and README name it.
pub const PARALLEL: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);
/// More than this only takes memory.
const MOST_PARALLEL: usize = 256;

/// What all transfers of one process keep to together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLimit {
    /// Files moved at a time.
    pub parallel: NonZeroUsize,
    /// Bytes a second, both ways of one copy counted once; None for no limit.
    pub bandwidth: Option<Bandwidth>,
    /// Bytes from which a shipment's data goes to the copy engine outside this process, where there is one.
    #[serde(default = "bulk_from")]
    pub bulk_from: u64,
}

/// Below this, this machine has copied everything before Spark's job has begun; benches/spark.sh measures it.
pub const BULK_FROM: u64 = 4 << 30;

fn bulk_from() -> u64 {
    BULK_FROM
}

impl Default for TransferLimit {
    fn default() -> Self {
        Self { parallel: PARALLEL, bandwidth: None, bulk_from: BULK_FROM }
    }
}

/// Bytes a second; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bandwidth(NonZeroU64);

/// A limit that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTransferLimit {
    /// No bandwidth.
    #[error("{text:?} isn't a bandwidth. Enter bytes per second with a unit, such as 50MiB/s or 200MB/s.")]
    Bandwidth {
        /// What was given.
        text: String,
    },
    /// No size.
    #[error("{text:?} isn't a size. Enter a number with a unit, such as 4GiB.")]
    Size {
        /// What was given.
        text: String,
    },
    /// No number of transfers.
    #[error("{text:?} isn't a number of parallel transfers. Enter a whole number from 1 to {MOST_PARALLEL}.")]
    Parallel {
        /// What was given.
        text: String,
    },
}

/// Reads a number of parallel transfers.
pub fn parse_parallel(text: &str) -> Result<NonZeroUsize, BadTransferLimit> {
    let bad = || BadTransferLimit::Parallel { text: text.to_owned() };
    let number: NonZeroUsize = text.trim().parse().map_err(|_| bad())?;
    if number.get() <= MOST_PARALLEL { Ok(number) } else { Err(bad()) }
}

const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

fn bytes_of(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    let bytes = number * factor as f64;
    (1.0..1e18).contains(&bytes).then_some(bytes as u64)
}

/// Reads a size of at least one byte.
pub fn parse_size(text: &str) -> Result<u64, BadTransferLimit> {
    bytes_of(text.trim()).ok_or_else(|| BadTransferLimit::Size { text: text.to_owned() })
}

/// A size in the biggest unit that divides it.
pub fn size_text(bytes: u64) -> String {
    let (unit, factor) = UNITS.into_iter().find(|(_, factor)| bytes.is_multiple_of(*factor)).unwrap_or(("B", 1));
    format!("{} {unit}", bytes / factor)
}

impl Bandwidth {
    /// The number of bytes.
    pub fn bytes_per_second(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for Bandwidth {
    type Err = BadTransferLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadTransferLimit::Bandwidth { text: text.to_owned() };
        let rest = text.trim();
        let rest = rest.strip_suffix("/s").unwrap_or(rest).trim_end();
        bytes_of(rest).and_then(NonZeroU64::new).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", size_text(self.0.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bandwidth_is_read_and_shown_in_its_unit() {
        for (text, bytes, shown) in [
            ("50MiB/s", 50 << 20, "50 MiB/s"),
            ("200 MB/s", 200_000_000, "200 MB/s"),
            ("1.5 GiB", 1_610_612_736, "1536 MiB/s"),
            ("10kB/s", 10_000, "10 kB/s"),
            ("7B/s", 7, "7 B/s"),
        ] {
            let bandwidth: Bandwidth = text.parse().expect(text);
            assert_eq!((bandwidth.bytes_per_second(), bandwidth.to_string().as_str()), (bytes, shown));
            assert_eq!(shown.parse(), Ok(bandwidth));
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_in_a_sentence() {
        for text in ["", "fast", "50", "0MB/s", "-1MB/s", "50 Mbit/s", "NaNMB", "infMB/s"] {
            let error = text.parse::<Bandwidth>().expect_err(text).to_string();
            assert!(error.contains("such as 50MiB/s"), "{error}");
        }
        for text in ["", "0", "-1", "257", "many"] {
            assert!(parse_parallel(text).expect_err(text).to_string().contains("from 1 to 256"));
        }
        for text in ["", "4", "much", "-1GiB"] {
            assert!(parse_size(text).expect_err(text).to_string().contains("such as 4GiB"));
        }
        assert_eq!(parse_size(" 1.5 GiB ").map(size_text).as_deref(), Ok("1536 MiB"));
        assert_eq!(parse_parallel(" 8 ").map(NonZeroUsize::get), Ok(8));
    }
}
