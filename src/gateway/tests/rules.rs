//! The header rules, over heads of every shape.

use crate::gateway::{headers, route};
use crate::net::{Gate, Peer, RouteTable, Target};
use hyper::Request;
use hyper::header::{COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use hyper::http::request::Parts;
use proptest::prelude::*;
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

const STABLE_ID: &str = "1001";
const ORIGIN: &str = "https://gateway:8443";
/// Fields that each side writes for itself, or that are about one connection.
const OWN: [&str; 16] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "transfer-encoding",
    "upgrade",
    "te",
    "expect",
    "host",
    "forwarded",
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
];

fn target() -> Target {
    let url = Url::parse("https://dbc-1.cloud.example.com").expect("a URL");
    Target::new(3, "us-east-1", "777", url)
}

fn peer() -> Peer {
    let address = |last, port| SocketAddr::from(([10, 1, 2, last], port));
    Peer { address: address(3, 999), local: address(4, 8443), tls: true }
}

/// Any bytes that may stand in a field.
fn value() -> impl Strategy<Value = HeaderValue> {
    let byte = prop_oneof![8 => 0x20..0x7fu8, 1 => Just(b'\t'), 1 => 0x80..=0xffu8];
    prop::collection::vec(byte, 0..24)
        .prop_map(|bytes| HeaderValue::from_bytes(&bytes).expect("bytes that a field may hold"))
}

/// Words that the rules know, so that fields meet them.
fn known_value() -> impl Strategy<Value = HeaderValue> {
    let words = [
        "close",
        "keep-alive, X-One",
        "upgrade, te , ,x-two",
        "host, content-length, authorization",
        "x-forwarded-for, via, cookie",
        "websocket",
        "trailers",
        "trailers, gzip;q=0.5",
        "chunked",
        "100-continue",
        "1001",
        " 1001 ",
        "777",
        "6.6.6.6",
        "stable_workspace_id=1001",
        "a=1; stable_workspace_id=1001; b=2;;",
        "stable_workspace_idx=5; xstable_workspace_id=6",
        "Bearer hunter2",
    ];
    prop::sample::select(words.to_vec()).prop_map(HeaderValue::from_static)
}

fn name() -> impl Strategy<Value = HeaderName> {
    let others = [
        "x-one",
        "x-two",
        "via",
        "cookie",
        "authorization",
        "content-length",
        "accept",
        "user-agent",
        "content_length",
    ];
    let ids = ["x-databricks-org-id", "x-databricks-workspace-id"];
    let known: Vec<&'static str> = OWN.into_iter().chain(others).chain(ids).collect();
    prop_oneof![
        6 => prop::sample::select(known).prop_map(HeaderName::from_static),
        1 => "[a-z][a-z0-9_-]{0,8}".prop_map(|text| HeaderName::try_from(text).expect("a name")),
    ]
}

fn head() -> impl Strategy<Value = Parts> {
    prop::collection::vec((name(), prop_oneof![value(), known_value()]), 0..14).prop_map(|fields| {
        let mut parts = Request::builder().uri("/x?w=1001").body(()).expect("a request").into_parts().0;
        for (name, value) in fields {
            parts.headers.append(name, value);
        }
        parts
    })
}

fn texts(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

/// The names in a head's `Connection`, as a reader of its own finds them.
fn named_in_connection(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all("connection").iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect()
}

/// Cookies without the gateway's own; None where a line isn't text.
fn pairs(headers: &HeaderMap) -> Option<Vec<String>> {
    let lines: Option<Vec<&str>> = headers.get_all(COOKIE).iter().map(|value| value.to_str().ok()).collect();
    let pairs = lines?.into_iter().flat_map(|line| line.split(';')).map(|pair| pair.trim().to_owned());
    Some(pairs.filter(|pair| !pair.is_empty() && !pair.starts_with("stable_workspace_id=")).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_region_sees_one_host_the_real_client_and_nothing_about_the_clients_connection(parts in head()) {
        let sent = headers::request(&parts, peer(), &target(), STABLE_ID);
        prop_assert_eq!(texts(&sent, "host"), vec![b"dbc-1.cloud.example.com".to_vec()]);
        prop_assert_eq!(texts(&sent, "x-forwarded-for"), vec![b"10.1.2.3".to_vec()]);
        prop_assert_eq!(texts(&sent, "x-forwarded-proto"), vec![b"https".to_vec()]);
        prop_assert!(texts(&sent, "x-forwarded-host").len() <= 1);
        let upgrades = headers::upgrade(&parts).is_some();
        for gone in ["keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding", "expect", "forwarded",
            "x-real-ip", "x-forwarded-port", "x-forwarded-server"] {
            prop_assert!(!sent.contains_key(gone), "{} passed", gone);
        }
        prop_assert_eq!(texts(&sent, "connection"), if upgrades { vec![b"upgrade".to_vec()] } else { vec![] });
        prop_assert_eq!(texts(&sent, "upgrade").len(), usize::from(upgrades));
        prop_assert!(texts(&sent, "te").iter().all(|value| value == b"trailers"));
        prop_assert!(texts(&sent, "via").last().is_some_and(|via| via == b"1.1 resilience-console"));
    }

    #[test]
    fn everything_else_passes_as_it_was_sent(parts in head()) {
        let sent = headers::request(&parts, peer(), &target(), STABLE_ID);
        let named = named_in_connection(&parts.headers);
        for name in parts.headers.keys() {
            let text = name.as_str();
            let ids = text.starts_with("x-databricks-");
            if OWN.contains(&text) || text == "via" || name == COOKIE || ids {
                continue;
            }
            let is_named = named.iter().any(|one| one == text) && text != "content-length";
            let wanted = if is_named { vec![] } else { texts(&parts.headers, text) };
            prop_assert_eq!(texts(&sent, text), wanted, "{}", text);
        }
        for name in sent.keys() {
            let is_ours = OWN.contains(&name.as_str()) || name == "via";
            prop_assert!(is_ours || parts.headers.contains_key(name), "{} was added", name);
        }
    }

    #[test]
    fn the_gateways_own_cookie_stays_and_every_other_one_passes(parts in head()) {
        let sent = headers::request(&parts, peer(), &target(), STABLE_ID);
        if named_in_connection(&parts.headers).iter().any(|name| name == "cookie") {
            prop_assert!(!sent.contains_key(COOKIE));
        } else if let Some(wanted) = pairs(&parts.headers) {
            prop_assert!(sent.get_all(COOKIE).iter().count() <= 1);
            prop_assert_eq!(pairs(&sent).expect("text"), wanted);
            let line = sent.get(COOKIE).map(|line| line.to_str().expect("text").to_owned()).unwrap_or_default();
            prop_assert!(line.split("; ").all(|pair| !pair.starts_with("stable_workspace_id=")), "{}", line);
        }
    }

    #[test]
    fn a_head_is_forwarded_only_where_it_can_be_read_in_one_way(parts in head()) {
        let twice = ["authorization", "host", "content-type", "content-length"]
            .iter()
            .any(|name| parts.headers.get_all(*name).iter().count() > 1);
        let both = parts.headers.contains_key("content-length") && parts.headers.contains_key("transfer-encoding");
        let coding = parts.headers.get("transfer-encoding").map(|value| value.as_bytes().trim_ascii().to_ascii_lowercase());
        let is_coded = coding.is_some_and(|coding| coding != b"chunked");
        let alike = parts.headers.contains_key("content_length");
        prop_assert_eq!(headers::check(&parts).is_err(), twice || both || is_coded || alike);
    }

    #[test]
    fn a_location_leads_to_the_gateway_only_where_it_led_to_the_region(
        scheme in "(https|http|HTTPS|javascript|)",
        host in "(dbc-1\\.cloud\\.example\\.com|DBC-1\\.cloud\\.example\\.com|evil\\.com|dbc-1\\.cloud\\.example\\.com\\.evil\\.com|)",
        port in "(|:443|:80|:8443)",
        user in "(|me@|me:pw@)",
        rest in "(|/|/a/b\\?w=777&x=1|\\?o=777#f|//evil\\.com/|/\\\\evil\\.com|[ -~]{0,12})",
    ) {
        let text = format!("{scheme}{}{user}{host}{port}{rest}", if scheme.is_empty() { "" } else { "://" });
        let Ok(value) = HeaderValue::from_str(&text) else { return Ok(()) };
        let mut answer = HeaderMap::new();
        answer.insert(LOCATION, value);
        headers::response(&mut answer, &target(), STABLE_ID, || Some(ORIGIN.to_owned()));
        let told = answer[LOCATION].to_str().expect("text").to_owned();
        let real = target().url;
        let led_to_region = Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .is_some_and(|url| url.host_str() == real.host_str() && url.port_or_known_default() == Some(443));
        if led_to_region {
            let url = Url::parse(&told).expect("a URL");
            prop_assert_eq!((url.host_str(), url.port()), (Some("gateway"), Some(8443)), "{} from {}", told, text);
            prop_assert_eq!(url.username(), "", "{}", told);
            let path = Url::parse(&text).expect("a URL").path().to_owned();
            prop_assert_eq!(url.path(), path, "{} from {}", told, text);
        } else {
            prop_assert_eq!(told, text);
        }
    }

    #[test]
    fn a_cookie_loses_only_a_domain_that_covers_the_region(
        name in "[a-z]{1,4}",
        attributes in prop::collection::vec(
            "( ?Domain=(\\.)?(cloud\\.example\\.com|dbc-1\\.cloud\\.example\\.com|example\\.com|other\\.com|xample\\.com|)| ?Path=/| ?Secure| ?HttpOnly|[a-z ]{0,6})",
            0..5,
        ),
    ) {
        let text = std::iter::once(format!("{name}=1")).chain(attributes).collect::<Vec<_>>().join(";");
        let mut answer = HeaderMap::new();
        answer.append(SET_COOKIE, HeaderValue::from_str(&text).expect("text"));
        headers::response(&mut answer, &target(), STABLE_ID, || Some(ORIGIN.to_owned()));
        let told = answer[SET_COOKIE].to_str().expect("text");
        let is_covering = |part: &&str| {
            let domain = part.trim().to_ascii_lowercase();
            domain.strip_prefix("domain=").is_some_and(|domain| {
                let domain = domain.trim_start_matches('.');
                domain == "dbc-1.cloud.example.com" || domain == "cloud.example.com" || domain == "example.com"
            })
        };
        let wanted = text.split(';').filter(|part| !is_covering(part)).collect::<Vec<_>>().join(";");
        prop_assert_eq!(told, wanted);
    }

    #[test]
    fn a_target_changes_only_where_it_names_the_stable_url(
        path in "(/|/api/2\\.0/x|/sql/protocolv1/o/(1001|10011|777)/c|/1001/[a-z0-9%]{0,6}|/[!-~&&[^?#]]{0,12})",
        query in "(|\\?|\\?w=1001|\\?o=1001&a=b|\\?a=1001&xw=1001&w=10011|\\?[!-~&&[^#]]{0,16})",
    ) {
        let Ok(request) = Request::builder().uri(format!("{path}{query}")).body(()) else { return Ok(()) };
        let parts = request.into_parts().0;
        let told = route::target(&parts, STABLE_ID, &target()).to_string();
        let given = parts.uri.to_string();
        let (path, query) = given.split_once('?').map_or((given.as_str(), None), |(path, query)| (path, Some(query)));
        let path = match path.strip_prefix("/sql/protocolv1/o/1001/") {
            Some(rest) => format!("/sql/protocolv1/o/777/{rest}"),
            None => path.to_owned(),
        };
        let swapped = |pair: &str| match pair {
            "w=1001" | "o=1001" => pair.replace("1001", "777"),
            other => other.to_owned(),
        };
        let query = query.map(|query| query.split('&').map(swapped).collect::<Vec<_>>().join("&"));
        prop_assert_eq!(told, query.map_or(path.clone(), |query| format!("{path}?{query}")));
    }

    #[test]
    fn no_head_names_a_stable_url_that_it_does_not_hold(parts in head(), host in "[a-zA-Z0-9.:\\[\\]-]{0,24}") {
        let mut parts = parts;
        if let Ok(host) = HeaderValue::from_str(&host) {
            parts.headers.insert(HOST, host);
        }
        parts.uri = "/x".parse().expect("a target");
        let table = RouteTable::new([Arc::new(Gate::new("shop", "1001"))]);
        let found = route::find(&table, &parts, "dr.example.com").is_ok();
        let mentions = parts.headers.values().any(|value| value.as_bytes().windows(4).any(|four| four == b"1001"));
        prop_assert!(!found || mentions || host.to_ascii_lowercase().starts_with("shop."), "{:?}", parts.headers);
    }
}
