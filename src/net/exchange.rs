//! Tokens of one client that stand for each other: the one that a region knows is sent where the client sent the other's.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::HeaderValue;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// The user name that drivers send with a token as the password.
const TOKEN_USER: &str = "token";
/// Bytes of a login that are looked at.
const MOST_BYTES: usize = 16 << 10;

/// For one region: what is sent to it in the place of tokens that it doesn't know. Cheap to clone; `Debug` shows no token.
#[derive(Clone, Default)]
pub struct TokenExchange(Option<Arc<HashMap<[u8; 32], Known>>>);

/// A region's own token, as each kind of login sends it.
struct Known {
    bearer: HeaderValue,
    basic: HeaderValue,
}

impl TokenExchange {
    /// What each token of `pairs` (the first of the two) is exchanged for (the second). One that can't be sent is left out.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let known = pairs.into_iter().filter(|(from, to)| from != to).filter_map(|(from, to)| {
            let bearer = sensitive(&format!("Bearer {to}"))?;
            let basic = sensitive(&format!("Basic {}", BASE64_STANDARD.encode(format!("{TOKEN_USER}:{to}"))))?;
            Some((hash(from), Known { bearer, basic }))
        });
        let known: HashMap<_, _> = known.collect();
        Self(Some(known).filter(|known| !known.is_empty()).map(Arc::new))
    }

    /// Whether nothing is exchanged.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// What an `Authorization` becomes; None where it stays.
    pub fn login(&self, given: &HeaderValue) -> Option<HeaderValue> {
        let known = self.0.as_ref()?;
        let (scheme, login) = given.to_str().ok().filter(|text| text.len() <= MOST_BYTES)?.split_once(' ')?;
        let login = login.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return known.get(&hash(login)).map(|known| known.bearer.clone());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = String::from_utf8(BASE64_STANDARD.decode(login).ok()?).ok()?;
        let token = decoded.strip_prefix(TOKEN_USER)?.strip_prefix(':')?;
        known.get(&hash(token)).map(|known| known.basic.clone())
    }
}

/// Hashes are compared, so that the time that a wrong token takes tells nothing of a right one.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl std::fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenExchange({} tokens)", self.0.as_ref().map_or(0, |known| known.len()))
    }
}

/// The same tokens, and not only equal ones: a new one is made only when a pair is added or removed.
impl PartialEq for TokenExchange {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for TokenExchange {}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(exchange: &TokenExchange, text: &str) -> Option<String> {
        let value = HeaderValue::from_str(text).expect("a value");
        exchange.login(&value).map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn a_known_token_is_exchanged_in_the_way_in_which_it_was_sent_and_any_other_stays() {
        let exchange = TokenExchange::new([("dapi-east", "dapi-west"), ("same", "same"), ("bad", "line\nbreak")]);
        assert_eq!(login(&exchange, "bearer  dapi-east").as_deref(), Some("Bearer dapi-west"));
        let basic = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        assert_eq!(login(&exchange, &basic("token:dapi-east")), Some(basic("token:dapi-west")));
        let west = basic("token:dapi-west");
        for stays in ["Bearer dapi-west", "Bearer same", "Bearer bad", "Bearer dapi-eas", "Bearer", "dapi-east", &west]
        {
            assert_eq!(login(&exchange, stays), None, "{stays}");
        }
        let user = basic("ada:dapi-east");
        assert_eq!(login(&exchange, &user), None, "a user's password is no token");
        assert_eq!(login(&TokenExchange::default(), "Bearer dapi-east"), None, "nothing is exchanged by itself");
    }

    #[test]
    fn no_token_is_shown_to_whoever_looks() {
        let exchange = TokenExchange::new([("dapi-east", "dapi-west")]);
        let given = HeaderValue::from_static("Bearer dapi-east");
        let shown = format!("{exchange:?} {:?}", exchange.login(&given).expect("exchanged"));
        assert!(!shown.contains("dapi"), "{shown}");
    }
}
