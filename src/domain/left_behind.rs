//! What the secondary does not have of an object, and what a failover left behind in the old primary because of it.

use super::{AssetKind, ErrorClass, ObjectError, Region, Timestamp, same_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Objects that a sentence names before it only counts them.
const NAMED: usize = 5;

/// What the secondary does not have of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The object's full name.
    pub object: String,
    /// What it is.
    pub kind: AssetKind,
    /// Why it did not arrive.
    pub class: ErrorClass,
    /// The same as a sentence.
    pub why: String,
    /// Where it lies in its source region.
    pub location: Option<String>,
    /// The first version that did not arrive; 0 where none ever did.
    pub first_version: Option<i64>,
    /// The last one.
    pub last_version: Option<i64>,
    /// How many commits that are.
    pub commits: Option<u64>,
    /// Rows in the data files that they added, where the log's statistics tell.
    pub rows: Option<u64>,
    /// Bytes of those files.
    pub bytes: Option<u64>,
}

/// What a failover left behind of one object, until a person releases it or a failback brings it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// What was left.
    #[serde(flatten)]
    pub lost: Shortfall,
    /// The region that holds it.
    pub region: Region,
    /// The epoch that the failover began.
    pub epoch: u64,
    /// When.
    pub at: Timestamp,
    /// The folder that it was moved to; None while it lies where it always did.
    pub folder: Option<String>,
}

impl Shortfall {
    /// How much it is, as far as is known: `versions 2–4, 3 commits, 12 rows, 3400 bytes`.
    pub fn amount(&self) -> String {
        let count = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
        let mut text = match (self.first_version, self.last_version) {
            (Some(first), Some(last)) if first == last => format!("version {first}"),
            (Some(first), Some(last)) => format!("versions {first}–{last}"),
            (Some(0), None) => "all of its commits".to_owned(),
            (Some(first), None) => format!("an unknown number of commits from version {first}"),
            (None, _) if self.commits == Some(0) => "every commit arrived, but source and replica differ".to_owned(),
            (None, _) => "an unknown number of commits".to_owned(),
        };
        let known = [(self.commits, "commit"), (self.rows, "row"), (self.bytes, "byte")];
        for (n, one) in known {
            if let Some(n) = n.filter(|n| *n > 0) {
                let _ = write!(text, ", {}", count(n, one));
            }
        }
        text
    }
}

impl LeftBehind {
    /// Where it lies now.
    pub fn place(&self) -> Option<&str> {
        self.folder.as_deref().or(self.lost.location.as_deref())
    }

    /// Whether it still lies in its own table, so that nothing may write there.
    pub fn is_in_place(&self) -> bool {
        self.folder.is_none()
    }

    /// What is said of it.
    pub fn sentence(&self) -> String {
        let at = self.place().map_or_else(String::new, |place| format!(" at {place}"));
        format!(
            "The failover of {} left {} behind: {}. It exists only in {}{at}. Copy what you need from there, then release it.",
            self.at.format("%Y-%m-%d %H:%M:%S UTC"),
            self.lost.object,
            self.lost.amount(),
            self.region
        )
    }

    /// The error under which it is listed.
    pub fn error(&self) -> ObjectError {
        let mut parameters = BTreeMap::from([
            ("region".to_owned(), self.region.to_string()),
            ("cause".to_owned(), self.lost.class.as_str().to_owned()),
        ]);
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                parameters.insert(key.to_owned(), value);
            }
        };
        add("location", self.place().map(str::to_owned));
        add("first_version", self.lost.first_version.map(|n| n.to_string()));
        add("last_version", self.lost.last_version.map(|n| n.to_string()));
        add("commits", self.lost.commits.map(|n| n.to_string()));
        add("rows", self.lost.rows.map(|n| n.to_string()));
        add("bytes", self.lost.bytes.map(|n| n.to_string()));
        ObjectError {
            class: ErrorClass::LeftBehind,
            parameters,
            message: self.sentence(),
            kind: self.lost.kind,
            object: self.lost.object.clone(),
            since: self.at,
        }
    }
}

/// Whether `name` is among `names`, as a catalog compares them.
pub fn names_it(names: &[String], name: &str) -> bool {
    names.iter().any(|n| same_name(n.trim(), name))
}

/// What of `lost` was not accepted.
pub fn not_accepted(lost: &[Shortfall], accepted: &[String]) -> Vec<Shortfall> {
    lost.iter().filter(|lost| !names_it(accepted, &lost.object)).cloned().collect()
}

/// A few of them with class and amount, and how many more there are.
pub fn in_words(lost: &[Shortfall]) -> String {
    let one = |lost: &Shortfall| format!("{} ({}: {})", lost.object, lost.class.as_str(), lost.amount());
    let mut text = lost.iter().take(NAMED).map(one).collect::<Vec<_>>().join("; ");
    if lost.len() > NAMED {
        let _ = write!(text, "; and {} more", lost.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(name: &str) -> Shortfall {
        Shortfall {
            object: name.into(),
            kind: AssetKind::Table,
            class: ErrorClass::CorruptLog,
            why: "Version 2 cannot be read.".into(),
            location: Some("file:///e/t".into()),
            first_version: Some(2),
            last_version: Some(4),
            commits: Some(3),
            rows: None,
            bytes: Some(1),
        }
    }

    #[test]
    fn a_sentence_names_a_few_and_counts_the_rest() {
        let all: Vec<Shortfall> = (0..7).map(|n| lost(&format!("c.s.t{n}"))).collect();
        let text = in_words(&all);
        assert!(text.starts_with("c.s.t0 (CORRUPT_LOG: versions 2–4, 3 commits, 1 byte); c.s.t1"), "{text}");
        assert!(text.ends_with("; and 2 more") && !text.contains("c.s.t5"), "{text}");
    }

    #[test]
    fn names_are_accepted_as_the_catalog_compares_them_and_only_those() {
        let all = [lost("c.s.a"), lost("c.s.b")];
        assert_eq!(not_accepted(&all, &["C.S.A ".into(), "c.s.other".into()]), [lost("c.s.b")]);
        assert_eq!(not_accepted(&all, &["c.s.a".into(), "c.s.B".into()]), []);
        assert_eq!(not_accepted(&all, &["c.s".into()]).len(), 2, "a schema's name accepts none of its tables");
    }

    #[test]
    fn what_was_left_says_where_it_is_and_how_much_and_that_it_is_the_only_copy() {
        let mut left = LeftBehind {
            lost: lost("c.s.a"),
            region: Region::new("us-east-1"),
            epoch: 2,
            at: chrono::DateTime::UNIX_EPOCH,
            folder: None,
        };
        let said = left.sentence();
        for words in ["c.s.a", "versions 2–4", "3 commits", "only in us-east-1", "file:///e/t"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        left.folder = Some("file:///e/_salvage/t".into());
        assert_eq!(left.error().parameters["location"], "file:///e/_salvage/t");
        assert!(!left.error().class.blocks_replication_point(), "what has another primary holds back no point");
    }
}
