//! Pages of a list that is sorted by id. A token names the last id of its page, so a list that changes in the meantime
//! neither repeats an entry nor skips one that stays, and every token of the right form is a place in the list.

use super::query::Query;
use super::reply::{Rejection, bad};
use crate::domain::hex;

/// Entries of a page that asks for no size, and of one that asks for more.
const MOST: usize = 50;

/// One page, and the token of the next where there is more.
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What asks for the next page.
    pub next: Option<String>,
}

/// The page of `all`, which is sorted by `id`, that the query asks for; `list` keeps tokens of two lists apart.
pub fn page<T>(list: &str, all: Vec<T>, id: impl Fn(&T) -> &str, query: &Query) -> Result<Page<T>, Rejection> {
    let size = match query.number("page_size")? {
        None | Some(0) => MOST,
        Some(size) if size < 0 => {
            return Err(bad(format!("page_size is {size}. Send a positive number, or 0 for the default.")));
        }
        Some(size) => usize::try_from(size).unwrap_or(MOST).min(MOST),
    };
    let after = match query.text("page_token") {
        None | Some("") => None,
        Some(token) => Some(last_id(list, token).ok_or_else(|| {
            bad(format!(
                "page_token {token:?} doesn't belong to this list. Send the next_page_token of the page before, unchanged."
            ))
        })?),
    };
    let mut items: Vec<T> = all
        .into_iter()
        .filter(|item| after.as_deref().is_none_or(|after| id(item).as_bytes() > after))
        .take(size + 1)
        .collect();
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|last| token(list, id(last)));
    Ok(Page { items, next })
}

/// The list's name, a hyphen, and the id in hexadecimal digits; the document gives this form as a pattern.
fn token(list: &str, last: &str) -> String {
    format!("{list}-{}", hex(last.as_bytes()))
}

fn last_id(list: &str, token: &str) -> Option<Vec<u8>> {
    let digits = token.strip_prefix(list)?.strip_prefix('-')?.as_bytes();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(query: &str, all: &[&'static str]) -> Page<&'static str> {
        page("groups", all.to_vec(), |id| id, &Query::parse(query)).unwrap_or_else(|_| panic!("{query} is refused"))
    }

    #[test]
    fn pages_come_one_after_another_even_while_the_list_changes() {
        let first = ids("page_size=2", &["a", "b", "c", "d"]);
        assert_eq!(first.items, ["a", "b"]);
        let token = first.next.expect("there is more");
        let second = ids(&format!("page_size=2&page_token={token}"), &["a", "b2", "d"]);
        assert_eq!((second.items.as_slice(), second.next.is_none()), (["b2", "d"].as_slice(), true));
        assert!(ids("page_size=0&page_token=", &["a"]).next.is_none());
    }

    #[test]
    fn a_size_below_zero_and_a_strange_token_are_refused() {
        let refused = |query: &str| page("groups", vec!["a"], |id| id, &Query::parse(query)).is_err();
        let other = page("urls", vec!["a", "b"], |id| id, &Query::parse("page_size=1")).ok().and_then(|p| p.next);
        assert!(refused("page_size=-1") && refused("page_size=ten") && refused("page_token=%00%ff"));
        assert!(refused(&format!("page_token={}", other.expect("there is more"))));
        for token in ["groups-", "groups-6", "groups-6G", "groups-6A", "groups", "Groups-61", "groups-61 "] {
            assert!(refused(&format!("page_token={token}")), "{token}");
        }
        assert!(ids("page_token=groups-ff", &["a"]).items.is_empty(), "a place behind the last one");
    }

    #[test]
    fn no_page_is_longer_than_the_servers_own_limit() {
        let all: Vec<String> = (0..120).map(|n| format!("{n:03}")).collect();
        for query in ["", "page_size=1000", "page_size=2147483647"] {
            let page = page("groups", all.clone(), |id| id, &Query::parse(query));
            assert!(page.is_ok_and(|page| page.items.len() == MOST && page.next.is_some()), "{query}");
        }
    }
}
