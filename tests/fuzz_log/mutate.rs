//! Changes a table as damage, malice or another program would.

use super::seeds::copy;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Numbers as Parquet's footers and headers write them: large, negative, none.
const VARINTS: [&[u8]; 9] = [
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xfe, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x04],
    &[0xfe, 0xff, 0xff, 0x7f],
    &[0x7f],
    &[0xff, 0x7f],
    &[0x01],
    &[0],
];

/// Copies one of the tables and changes it in a few places; returns what was done.
pub fn copy_and_change(tables: &[PathBuf], to: &Path, random: &mut StdRng) -> String {
    let table = tables.choose(random).expect("a table");
    copy(table, to);
    let mut done = vec![table.file_name().unwrap_or_default().to_string_lossy().into_owned()];
    for _ in 0..random.random_range(1..=3) {
        let files = files_of(to, random);
        if let Some(path) = files.choose(random) {
            let what = change(path, &files, random);
            done.push(format!("{}: {what}", path.strip_prefix(to).unwrap_or(path).display()));
        }
    }
    done.join("; ")
}

/// Copies a table to where it is kept, whatever lies in it.
pub fn keep(table: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg("--sparse=always").arg(table).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "{} is kept", to.display());
}

/// Files of the log, and now and then the table's others.
fn files_of(table: &Path, random: &mut StdRng) -> Vec<PathBuf> {
    let folder = if random.random_bool(0.9) { table.join("_delta_log") } else { table.to_owned() };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_file(path))
        .collect();
    files.sort();
    // Where checkpoints are, they matter most.
    if random.random_bool(0.5) {
        let checkpoints = |path: &PathBuf| path.to_string_lossy().contains("checkpoint");
        if files.iter().any(checkpoints) {
            files.retain(checkpoints);
        }
    }
    files
}

fn is_file(path: &Path) -> bool {
    // What was stretched before is too much to change again.
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() < 16 << 20)
}

fn change(path: &Path, files: &[PathBuf], random: &mut StdRng) -> &'static str {
    if random.random_bool(0.1) {
        return replace(path, files, random);
    }
    let mut bytes = fs::read(path).expect("a file");
    let is_text = path.extension().is_none_or(|extension| extension != "parquet" && extension != "bin");
    let what = match (is_text, random.random_range(0..10)) {
        (true, 0..6) => change_json(&mut bytes, random),
        (true, _) => change_bytes(&mut bytes, files, random),
        (false, 0..3) => change_footer(&mut bytes, random),
        (false, 3..7) => change_numbers(&mut bytes, random),
        (false, _) => change_bytes(&mut bytes, files, random),
    };
    fs::write(path, bytes).expect("a file");
    if random.random_bool(0.05) {
        // Data is copied whole, however much there is of it.
        let most = if path.to_string_lossy().contains("_delta_log") { 45 } else { 22 };
        let size = 1_u64 << random.random_range(10..most);
        let _ = File::options().append(true).open(path).and_then(|file| file.set_len(size));
        return "stretched";
    }
    what
}

/// Puts something else in a file's place.
fn replace(path: &Path, files: &[PathBuf], random: &mut StdRng) -> &'static str {
    let _ = fs::remove_file(path);
    match random.random_range(0..7) {
        0 => {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
            "a pipe"
        }
        1 => {
            std::os::unix::fs::symlink("/dev/zero", path).expect("a link");
            "a link to a device"
        }
        2 => {
            std::os::unix::fs::symlink(path, path).expect("a link");
            "a link to itself"
        }
        3 => {
            fs::create_dir(path).expect("a folder");
            "a folder"
        }
        4 => {
            let other = files.choose(random).filter(|other| is_file(other));
            other.iter().for_each(|other| drop(fs::copy(other, path)));
            "another file"
        }
        5 => {
            fs::write(path, vec![b"\n \0{"[random.random_range(0..4)]; random.random_range(0..100)]).expect("a file");
            "next to nothing"
        }
        _ => "removed",
    }
}

fn place(bytes: &[u8], random: &mut StdRng) -> usize {
    random.random_range(0..=bytes.len().saturating_sub(1))
}

fn change_bytes(bytes: &mut Vec<u8>, files: &[PathBuf], random: &mut StdRng) -> &'static str {
    if bytes.is_empty() {
        bytes.push(random.random());
        return "a byte";
    }
    let at = place(bytes, random);
    let length = random.random_range(1..=64).min(bytes.len() - at);
    match random.random_range(0..7) {
        0 => {
            bytes[at] ^= 1 << random.random_range(0..8);
            "a bit"
        }
        1 => {
            bytes[at..at + length].fill(if random.random() { 0xff } else { 0 });
            "filled"
        }
        2 => {
            bytes.truncate(at);
            "cut"
        }
        3 => {
            drop(bytes.drain(at..at + length));
            "a piece removed"
        }
        4 => {
            let piece = bytes[at..at + length].repeat(random.random_range(1..200));
            drop(bytes.splice(at..at, piece));
            "a piece repeated"
        }
        5 => {
            let other = files.choose(random).and_then(|path| fs::read(path).ok()).unwrap_or_default();
            let from = place(&other, random).min(other.len());
            drop(bytes.splice(at.., other[from..].iter().copied()));
            "the end of another file"
        }
        _ => {
            (0..8).for_each(|_| {
                let at = place(bytes, random);
                bytes[at] = random.random();
            });
            "bytes"
        }
    }
}

/// Puts another number into a field of a Parquet footer, and leaves the rest of it whole.
fn change_footer(bytes: &mut Vec<u8>, random: &mut StdRng) -> &'static str {
    for _ in 0..random.random_range(1..3) {
        let Some(end) = bytes.len().checked_sub(8) else { return "nothing" };
        let length = bytes[end..end + 4].iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some(begin) = end.checked_sub(length) else { return "nothing" };
        // What begins a field of a number (5 and 6) or a list (9) ends so; the number follows.
        let fields: Vec<usize> = (begin..end).filter(|at| matches!(bytes[*at] & 0x0f, 5 | 6 | 9)).collect();
        let Some(at) = fields.choose(random).map(|at| at + 1).filter(|at| *at < end) else { return "nothing" };
        let digits = bytes[at..end].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let number = VARINTS.choose(random).expect("a number");
        drop(bytes.splice(at..(at + digits).min(end), number.iter().copied()));
        let end = bytes.len() - 8;
        let length = u32::try_from(end - begin).unwrap_or(0).to_le_bytes();
        bytes[end..end + 4].copy_from_slice(&length);
    }
    "a number of the footer"
}

/// Puts numbers of another size in the places where Parquet keeps its own: mostly in the footer and behind the head.
fn change_numbers(bytes: &mut [u8], random: &mut StdRng) -> &'static str {
    for _ in 0..random.random_range(1..4) {
        let at = match random.random_range(0..4) {
            0 => random.random_range(0..bytes.len().clamp(1, 64)),
            1 => bytes.len().saturating_sub(random.random_range(1..=12)),
            2 => bytes.len().saturating_sub(random.random_range(1..=4000)),
            _ => place(bytes, random),
        };
        // A field's own number, made as large as its digits allow; or any bytes of a number.
        if random.random_bool(0.5) {
            let field = (at..bytes.len().min(at + 64)).find(|at| matches!(bytes[*at], 0x15 | 0x25 | 0x16 | 0x26));
            if let Some(at) = field {
                for byte in bytes.iter_mut().skip(at + 1).take(10) {
                    let is_last = *byte & 0x80 == 0;
                    *byte |= 0x7e;
                    if is_last {
                        break;
                    }
                }
            }
            continue;
        }
        let number = VARINTS.choose(random).expect("a number");
        bytes.iter_mut().skip(at).zip(number.iter()).for_each(|(to, from)| *to = *from);
    }
    "numbers"
}

fn change_json(bytes: &mut Vec<u8>, random: &mut StdRng) -> &'static str {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return "nothing";
    }
    let at = random.random_range(0..lines.len());
    let what = match random.random_range(0..8) {
        0 => {
            lines.remove(at);
            "a line removed"
        }
        1 => {
            let line = lines[at].clone();
            lines.insert(random.random_range(0..=lines.len()), line);
            "a line again"
        }
        2 => {
            let other = random.random_range(0..lines.len());
            lines.swap(at, other);
            "lines exchanged"
        }
        3 => {
            let line = lines[at].clone();
            lines.extend(std::iter::repeat_n(line, random.random_range(1..2000)));
            "a line many times"
        }
        4 => {
            // A key twice, with another value.
            let value = strange(random);
            if let Some((head, rest)) = lines[at].clone().split_once(r#"":"#) {
                let key = head.rsplit('"').next().unwrap_or_default();
                lines[at] = format!(r#"{head}":{value},"{key}":{rest}"#);
            }
            "a key twice"
        }
        _ => match serde_json::from_str::<Value>(&lines[at]) {
            Ok(mut value) => {
                let depth = random.random_range(1..5);
                change_value(&mut value, depth, random);
                lines[at] = value.to_string();
                "a value"
            }
            Err(_) => "nothing",
        },
    };
    *bytes = lines.join("\n").into_bytes();
    what
}

fn change_value(value: &mut Value, depth: usize, random: &mut StdRng) {
    let inner = match value {
        _ if depth == 0 => None,
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            let key = keys.choose(random).cloned();
            if random.random_bool(0.1)
                && let Some(key) = &key
            {
                fields.remove(key);
                return;
            }
            key.and_then(|key| fields.get_mut(&key))
        }
        Value::Array(items) => {
            let at = random.random_range(0..items.len().max(1));
            items.get_mut(at)
        }
        _ => None,
    };
    match inner {
        Some(inner) => change_value(inner, depth - 1, random),
        None => *value = serde_json::from_str(&strange(random)).unwrap_or(Value::Null),
    }
}

/// An unexpected value, as JSON.
fn strange(random: &mut StdRng) -> String {
    match random.random_range(0..14) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => ["0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e308", "1.5"]
            .choose(random)
            .map_or(String::new(), |text| (*text).to_owned()),
        3 => format!("\"{}\"", "x".repeat(1 << random.random_range(0..21))),
        4 => {
            let levels = 1 << random.random_range(1..6);
            format!("{}{}", "[".repeat(levels), "]".repeat(levels))
        }
        5 => format!("[{}0]", "0,".repeat(1 << random.random_range(0..18))),
        6 => {
            let fields: Map<String, Value> =
                (0..1_u32 << random.random_range(0..16)).map(|number| (number.to_string(), json!(""))).collect();
            Value::Object(fields).to_string()
        }
        7 => {
            json!(["../../x", "/etc/passwd", "s3://b/x", "_delta_log/x", "a%00b", "%", "%zz", "..", ""].choose(random))
                .to_string()
        }
        8 => json!({"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": i64::MAX}).to_string(),
        9 => json!({"path": "x", "size": -1, "deletionVector": {"storageType": "i", "pathOrInlineDv": ""}}).to_string(),
        10 => "{}".to_owned(),
        11 => "[]".to_owned(),
        12 => json!({"minReaderVersion": i64::MAX, "readerFeatures": ["x", null]}).to_string(),
        _ => json!("\u{0}\u{ffff}\u{202e}").to_string(),
    }
}
