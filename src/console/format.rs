//! How values are written: one spelling for ages, sizes and counts on every screen.

use crate::domain::Timestamp;
use chrono::{FixedOffset, TimeDelta};

/// Whole units of an age, the two largest: `4 s`, `3 min 05 s`, `2 h 10 min`, `6 d 4 h`.
pub fn age(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0 => "< 1 s".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// An age in its largest unit, for chips: `4 s`, `3 min`, `2 h`, `6 d`.
pub fn short_age(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A length of time as measured: `20 ms`, `0.4 s`, `12.3 s`, `3 min 05 s`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    match seconds {
        0.0 => "0 s".to_owned(),
        s if s < 0.095 => format!("{} ms", (s * 1000.0).ceil()),
        s if s < 60.0 => format!("{s:.1} s"),
        s => age((s * 1000.0) as i64),
    }
}

/// A lag in milliseconds: tenths below a minute.
pub fn lag(milliseconds: u64) -> String {
    duration(milliseconds as f64 / 1000.0)
}

/// Bytes in decimal units, as storage is billed: `912 B`, `4.2 MB`, `1.8 TB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A count with thin spaces between thousands.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `1 table`, `3 tables`.
pub fn plural(value: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(value as u64), if value == 1 { one } else { many })
}

/// An instant in UTC: `2026-11-22 08:49:31 UTC`.
pub fn utc(instant: Timestamp) -> String {
    instant.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// An instant on a wall clock so far from UTC.
pub fn local(instant: Timestamp, offset: FixedOffset) -> String {
    instant.with_timezone(&offset).format("%H:%M:%S local (%:z)").to_string()
}

/// The time of day in UTC, for lists whose day is clear.
pub fn utc_time(instant: Timestamp) -> String {
    instant.format("%H:%M:%S").to_string()
}

/// Milliseconds from `then` to `now`, never below zero.
pub fn since(then: Timestamp, now: Timestamp) -> i64 {
    now.signed_duration_since(then).max(TimeDelta::zero()).num_milliseconds()
}

/// `text` with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_show_two_units_at_most() {
        assert_eq!(age(400), "< 1 s");
        assert_eq!(age(12_900), "12 s");
        assert_eq!(age(185_000), "3 min 05 s");
        assert_eq!(age(7_800_000), "2 h 10 min");
        assert_eq!(age(-5), "< 1 s");
        assert_eq!(short_age(185_000), "3 min");
    }

    #[test]
    fn sizes_and_counts_are_short() {
        assert_eq!(bytes(912), "912 B");
        assert_eq!(bytes(4_200_000), "4.2 MB");
        assert_eq!(bytes(1_800_000_000_000), "1.8 TB");
        assert_eq!(count(1234), "1234");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(plural(1, "table", "tables"), "1 table");
    }

    #[test]
    fn durations_have_tenths_while_they_matter() {
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(0.0204), "21 ms");
        assert_eq!(duration(0.099), "0.1 s");
        assert_eq!(duration(0.44), "0.4 s");
        assert_eq!(lag(61_000), "1 min 01 s");
        assert_eq!(duration(f64::NAN), "unknown");
    }
}
