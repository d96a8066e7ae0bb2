//! One API call as its handler sees it, and the pages of a list.

use super::records::{Kind, Records};
use super::refusal::Refusal;
use super::writer;
use crate::domain::hex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// The account's admin, who also runs the jobs.
    Admin,
    /// The product's own service principal, a metastore admin.
    Replication,
    /// Anybody else with a token, by id: what it may do is what it was granted.
    Principal(i64),
}

/// A call that is authenticated and read.
#[derive(Debug)]
pub(super) struct Call {
    pub caller: Caller,
    pub method: axum::http::Method,
    /// The path's parts, decoded.
    pub path: Vec<String>,
    pub query: HashMap<String, String>,
    pub body: Value,
}

/// An answer's JSON text.
pub(super) type Answer = Result<String, Refusal>;

/// Entries of a page when the client leaves it to the server, and at most.
pub(super) const PAGE: usize = 500;

impl Call {
    /// Whether it is about one table, of which the log may be read.
    pub fn asks_for_a_table(&self) -> bool {
        matches!(self.path.as_slice(), [.., tables, _] if tables == "tables")
    }

    /// The body as `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_path_to_error::deserialize(self.body.clone()).map_err(|e| {
            let (path, problem) = (e.path().to_string(), e.into_inner());
            let field = if path == "." { String::new() } else { format!(" in {path}") };
            Refusal::new(400, "MALFORMED_REQUEST", format!("The request body cannot be read{field}: {problem}."))
        })
    }

    /// A query parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        match self.query.get(name).map(String::as_str) {
            None | Some("") => Err(Refusal::invalid(format!("The parameter {name} is missing."))),
            Some(value) => Ok(value),
        }
    }

    pub fn flag(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|value| value == "true")
    }

    /// A field of the body that must be there, as text.
    pub fn field(&self, name: &str) -> Result<String, Refusal> {
        match &self.body[name] {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(Refusal::invalid(format!("The field {name} is missing."))),
        }
    }
}

/// A body as JSON text.
pub(super) fn answer<T: Serialize>(body: &T) -> Answer {
    serde_json::to_string(body).map_err(|e| Refusal::new(500, crate::wire::error::INTERNAL_ERROR, e.to_string()))
}

/// The empty answer.
pub(super) fn done() -> Answer {
    Ok("{}".to_owned())
}

/// Characters of a name at most.
const MOST_LETTERS: usize = 255;

/// A name as Unity Catalog keeps it: in lower case, without the characters that paths and full names need.
pub(super) fn checked_name(name: &str) -> Result<String, Refusal> {
    let bad = |c: char| c == '.' || c == '/' || c.is_whitespace() || c.is_control();
    if name.is_empty() || name.chars().count() > MOST_LETTERS || name.contains(bad) {
        return Err(Refusal::invalid(format!(
            "{name:?} is not a valid name. Use 1 to {MOST_LETTERS} characters without spaces, periods, slashes and control characters."
        )));
    }
    Ok(name.to_lowercase())
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let bytes = digits?.chunks(2).map(|pair| pair.iter().fold(0, |n, d| (n << 4) | d)).collect();
    String::from_utf8(bytes).ok()
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page {
    entries: Vec<String>,
    pub next: Option<String>,
}

impl Page {
    /// The page as JSON under `field`, with `extra` fields, each starting with a comma.
    pub fn text(&self, field: &str, extra: &str) -> String {
        let entries = self.entries.join(",");
        match &self.next {
            Some(next) => format!("{{\"{field}\":[{entries}],\"next_page_token\":\"{next}\"{extra}}}"),
            None => format!("{{\"{field}\":[{entries}]{extra}}}"),
        }
    }
}

/// One page of the records whose keys start with `prefix`, under `field`.
pub(super) fn page(
    records: &Records,
    call: &Call,
    kind: Kind,
    prefix: &str,
    field: &str,
    render: impl Fn(&str) -> Option<String>,
) -> Answer {
    Ok(page_of(records, call, kind, prefix, ("max_results", PAGE), render)?.text(field, ""))
}

/// One page of the records whose keys start with `prefix`, as long as the named parameter says, else as usual.
///
/// `render` says how a record appears, None where the caller may not see it. As in a real region a page may be
/// empty and still carry a token: some lists begin so, and a long one has such a page after its first.
pub(super) fn page_of(
    records: &Records,
    call: &Call,
    kind: Kind,
    prefix: &str,
    (size_parameter, usual): (&str, usize),
    render: impl Fn(&str) -> Option<String>,
) -> Result<Page, Refusal> {
    let size = match call.query.get(size_parameter).map(|text| text.parse::<i64>()) {
        None | Some(Ok(0)) => usual,
        Some(Ok(size)) if size > 0 => (size as usize).min(PAGE),
        _ => return Err(Refusal::invalid(format!("{size_parameter} must be a number, 0 or more."))),
    };
    let bad_token = || Refusal::invalid("The page_token is not one of this list. Start again without it.");
    let token = match call.query.get("page_token").map(String::as_str) {
        None | Some("") => None,
        Some(text) => Some(from_hex(text).ok_or_else(bad_token)?),
    };
    let (gap, after) = match token.as_deref().map(|t| t.split_at_checked(1)) {
        None => (starts_empty(kind, prefix) && records.page(kind, prefix, "", 2).len() > 1, ""),
        Some(Some(("e", after))) => (true, after),
        Some(Some(("g", after))) => (false, after),
        Some(_) => return Err(bad_token()),
    };
    if gap {
        return Ok(Page { entries: Vec::new(), next: Some(hex(format!("g{after}").as_bytes())) });
    }
    let mut found = records.page(kind, prefix, after, size + 1);
    let more = found.len() > size;
    found.truncate(size);
    let flag = if token.is_none() { 'e' } else { 'g' };
    let next = found.last().filter(|_| more).map(|(last, _)| hex(format!("{flag}{last}").as_bytes()));
    Ok(Page { entries: found.iter().filter_map(|(_, body)| render(body)).collect(), next })
}

fn starts_empty(kind: Kind, prefix: &str) -> bool {
    writer::mix(writer::text_hash(prefix), kind as u64).is_multiple_of(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(query: &[(&str, &str)]) -> Call {
        Call {
            caller: Caller::Admin,
            method: axum::http::Method::GET,
            path: Vec::new(),
            query: query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            body: Value::Null,
        }
    }

    #[test]
    fn pages_cover_a_list_once_with_an_empty_page_in_between() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = Records::open(&folder.path().join("r.db")).expect("it opens");
        let mut writing = records.write();
        for i in 0..7 {
            writing.put(Kind::Catalog, format!("c{i}"), &json!({"name": format!("c{i}")}));
        }
        writing.commit().expect("it commits");
        let (mut token, mut names, mut pages) = (String::new(), Vec::new(), Vec::new());
        loop {
            let query = [("max_results", "3"), ("page_token", token.as_str())];
            let text =
                page(&records, &call(&query), Kind::Catalog, "", "catalogs", |b| Some(b.to_owned())).expect("a page");
            let body: Value = serde_json::from_str(&text).expect("it is JSON");
            let entries = body["catalogs"].as_array().expect("a list");
            pages.push(entries.len());
            names.extend(entries.iter().filter_map(|c| c["name"].as_str().map(str::to_owned)));
            match body["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(names, (0..7).map(|i| format!("c{i}")).collect::<Vec<_>>());
        assert!(pages.contains(&0), "{pages:?}");
        let wrong = page(&records, &call(&[("page_token", "zz")]), Kind::Catalog, "", "c", |_| None);
        assert_eq!(wrong.map_err(|r| r.status), Err(400));
    }
}
