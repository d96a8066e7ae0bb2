//! Which header fields pass, which are left out, and which are written by the gateway.

use super::rescue::Rescue;
use super::route::{self, COOKIE_NAME, ID_HEADERS};
use crate::net::{LoginKind, Peer, Target, TwoLengths};
use hyper::header::{
    self, CONNECTION, COOKIE, Entry, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE, TE, UPGRADE, VIA,
};
use hyper::http::request::Parts;
use hyper::{Method, Version};
use url::{Position, Url};

/// Fields that are about one connection.
const HOP_BY_HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TRANSFER_ENCODING,
    UPGRADE,
];
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Fields that tell of the client: whatever a client writes there is not to be believed.
const ABOUT_THE_CLIENT: [HeaderName; 7] = [
    FORWARDED_FOR,
    FORWARDED_HOST,
    FORWARDED_PORT,
    FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
];
/// Fields of which two would leave open which one counts.
const ONCE: [HeaderName; 4] = [header::AUTHORIZATION, HOST, header::CONTENT_TYPE, header::CONTENT_LENGTH];

/// How `token:dapi` begins in base64, as drivers send a workspace's token.
const TOKEN_AS_PASSWORD: &str = "dG9rZW46ZGFwa";

/// Fields that say where a message ends and whose it is.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "host"];

/// Refuses what no workspace serves, and a head that two servers could read differently.
pub fn check(parts: &Parts) -> Result<(), Rescue> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(Rescue::Method { method: parts.method.to_string() });
    }
    let ambiguous = |problem: &str| Err(Rescue::Ambiguous { problem: problem.to_owned() });
    if let Some(name) = ONCE.iter().find(|name| parts.headers.get_all(*name).iter().count() > 1) {
        return ambiguous(&format!("The header {name} comes more than once."));
    }
    let both = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().all(|name| parts.headers.contains_key(name));
    if both || parts.extensions.get::<TwoLengths>().is_some() {
        return ambiguous(
            "The request gives the length of its body more than once, in Content-Length or Transfer-Encoding.",
        );
    }
    // Some servers take an underscore for a hyphen.
    let alike = parts
        .headers
        .keys()
        .map(HeaderName::as_str)
        .find(|name| name.contains('_') && FRAMING.contains(&name.replace('_', "-").as_str()));
    if let Some(name) = alike {
        return ambiguous(&format!("The header {name} looks like another one."));
    }
    let coding = parts.headers.get(header::TRANSFER_ENCODING).map(HeaderValue::as_bytes);
    if coding.is_some_and(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"chunked")) {
        return ambiguous("Transfer-Encoding is something else than chunked.");
    }
    Ok(())
}

/// The protocol that a request asks to go on with, where it does.
pub fn upgrade(parts: &Parts) -> Option<HeaderValue> {
    let asks = parts.version == Version::HTTP_11 && tokens(&parts.headers, &CONNECTION).any(|token| token == "upgrade");
    parts.headers.get(UPGRADE).filter(|_| asks).cloned()
}

/// The protocol that a region switched to.
pub fn protocol(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(UPGRADE).cloned()
}

/// The fields that a region gets.
pub fn request(parts: &Parts, peer: Peer, target: &Target, stable_id: &str) -> HeaderMap {
    let mut headers = parts.headers.clone();
    let trailers = tokens(&headers, &TE).any(|token| token == "trailers");
    strip_hop_by_hop(&mut headers);
    headers.remove(TE);
    // The client's 100-continue is answered here, when the region takes the body.
    headers.remove(header::EXPECT);
    for name in ABOUT_THE_CLIENT {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = upgrade(parts) {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    if let Some(host) = route::host(parts).and_then(|host| HeaderValue::from_str(host).ok()) {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Ok(address) = HeaderValue::from_str(&peer.address.ip().to_canonical().to_string()) {
        headers.insert(FORWARDED_FOR, address);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if peer.tls { "https" } else { "http" }));
    if let Some(host) = &target.authority {
        headers.insert(HOST, host.clone());
    }
    headers.append(VIA, via(parts.version));
    cookies(&mut headers);
    swap_ids(&mut headers, stable_id, &target.workspace_id);
    if let Some(login) = headers.get(header::AUTHORIZATION).and_then(|given| target.exchange.login(given)) {
        headers.insert(header::AUTHORIZATION, login);
    }
    headers
}

/// Turns a region's fields into those that the client gets. `origin` tells the gateway as the client called it.
pub fn response(headers: &mut HeaderMap, target: &Target, stable_id: &str, origin: impl Fn() -> Option<String>) {
    strip_hop_by_hop(headers);
    // It would lead clients past the gateway.
    headers.remove(header::ALT_SVC);
    swap_ids(headers, &target.workspace_id, stable_id);
    if let Some(text) = headers.get(LOCATION).and_then(|value| value.to_str().ok())
        && let Some(origin) = origin()
        && let Some(moved) = relocated(text, target, stable_id, &origin)
    {
        headers.insert(LOCATION, moved);
    }
    let host = target.url.host_str().unwrap_or_default();
    if let Entry::Occupied(mut set) = headers.entry(SET_COOKIE) {
        for value in set.iter_mut() {
            if let Some(text) = value.to_str().ok().and_then(|text| without_domain(text, host))
                && let Ok(text) = HeaderValue::from_str(&text)
            {
                *value = text;
            }
        }
    }
}

/// Who sends a request: its user agent, and what its login looks like.
pub fn sender(parts: &Parts) -> (&str, LoginKind) {
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let login = parts.headers.get(header::AUTHORIZATION).map_or(LoginKind::None, |value| {
        let (scheme, login) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            // A signed access token is JSON in base64.
            "bearer" if login.starts_with("eyJ") => LoginKind::OAuth,
            "bearer" if login.starts_with("dapi") => LoginKind::WorkspaceToken,
            "basic" if login.starts_with(TOKEN_AS_PASSWORD) => LoginKind::WorkspaceToken,
            _ => LoginKind::Other,
        }
    });
    (agent, login)
}

/// Makes a browser name the stable URL with each later request of the page.
pub fn set_cookie(headers: &mut HeaderMap, stable_id: &str, tls: bool) {
    let secure = if tls { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={stable_id}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.append(SET_COOKIE, value);
    }
}

/// Whether a page is looked at, as by a browser.
pub fn is_page_view(parts: &Parts) -> bool {
    let accepts = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    parts.method == Method::GET && accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

fn tokens(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|token| token.trim().to_ascii_lowercase())
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<String> = tokens(headers, &CONNECTION).collect();
    for name in named {
        // What says how the message ends is never the client's to take away.
        if name != "content-length" && name != "host" {
            headers.remove(name.as_str());
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn via(version: Version) -> HeaderValue {
    HeaderValue::from_static(match version {
        Version::HTTP_2 => "2 resilience-console",
        Version::HTTP_10 => "1.0 resilience-console",
        _ => "1.1 resilience-console",
    })
}

/// Joins what HTTP/2 may split, without the gateway's own cookie.
fn cookies(headers: &mut HeaderMap) {
    let ours = |pair: &&str| pair.strip_prefix(COOKIE_NAME).is_some_and(|rest| rest.starts_with('='));
    let lines: Vec<&HeaderValue> = headers.get_all(COOKIE).iter().collect();
    if lines.is_empty() {
        return;
    }
    // Bytes that aren't text are the client's own; such a line passes as it is.
    let Some(lines) = lines.iter().map(|line| line.to_str().ok()).collect::<Option<Vec<_>>>() else { return };
    let pairs = lines.iter().flat_map(|line| line.split(';')).map(str::trim).filter(|pair| !pair.is_empty());
    let rest: Vec<&str> = pairs.filter(|pair| !ours(pair)).collect();
    match HeaderValue::from_str(&rest.join("; ")) {
        Ok(value) if !rest.is_empty() => drop(headers.insert(COOKIE, value)),
        _ => drop(headers.remove(COOKIE)),
    }
}

fn swap_ids(headers: &mut HeaderMap, from: &str, to: &str) {
    for name in ID_HEADERS {
        if headers.get(&name).is_some_and(|value| value.as_bytes().trim_ascii() == from.as_bytes())
            && let Ok(value) = HeaderValue::from_str(to)
        {
            headers.insert(name, value);
        }
    }
}

/// Where an absolute `Location` on the region's own host leads behind the gateway.
fn relocated(text: &str, target: &Target, stable_id: &str, origin: &str) -> Option<HeaderValue> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    if url.host_str() != target.url.host_str() || url.port_or_known_default() != target.url.port_or_known_default() {
        return None;
    }
    // As it was read, so that nothing in it can be read as another host later.
    let rest = &url[Position::BeforePath..];
    let (path, fragment) = rest.split_once('#').map_or((rest, None), |(path, fragment)| (path, Some(fragment)));
    let path = path.split('&').map(|part| swap_in_query(part, &target.workspace_id, stable_id)).collect::<Vec<_>>();
    let fragment = fragment.map(|text| format!("#{text}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{origin}{}{fragment}", path.join("&"))).ok()
}

/// Puts the stable id into a part of a query that names the workspace.
fn swap_in_query(part: &str, from: &str, to: &str) -> String {
    for key in ["w=", "o="] {
        let before = part.strip_suffix(from).and_then(|head| head.strip_suffix(key));
        if let Some(before) = before.filter(|before| before.is_empty() || before.ends_with('?')) {
            return format!("{before}{key}{to}");
        }
    }
    part.to_owned()
}

/// A `Set-Cookie` without a domain that covers the region's host, so that it holds for the gateway's; None where it has none.
fn without_domain(text: &str, host: &str) -> Option<String> {
    let covers = |part: &str| {
        let (key, value) = part.trim().split_once('=')?;
        let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
        let is_parent = host.strip_suffix(domain.as_str()).is_some_and(|head| head.is_empty() || head.ends_with('.'));
        (key.eq_ignore_ascii_case("domain") && is_parent).then_some(())
    };
    let parts: Vec<&str> = text.split(';').collect();
    let kept: Vec<&str> = parts.iter().copied().filter(|part| covers(part).is_none()).collect();
    (kept.len() < parts.len()).then(|| kept.join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;
    use std::net::SocketAddr;

    fn target() -> Target {
        let url = Url::parse("https://dbc-1.cloud.example.com").expect("a URL");
        Target::new(3, "us-east-1", "777", url)
    }

    fn peer() -> Peer {
        Peer {
            address: SocketAddr::from(([10, 1, 2, 3], 999)),
            local: SocketAddr::from(([10, 1, 2, 4], 8443)),
            tls: true,
        }
    }

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/x?w=1001");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn forwarded(headers: &[(&str, &str)]) -> HeaderMap {
        request(&parts(headers), peer(), &target(), "1001")
    }

    fn answered(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        response(&mut map, &target(), "1001", || Some("https://gateway:8443".to_owned()));
        map
    }

    #[test]
    fn what_is_about_one_connection_stays_on_it_and_the_login_passes() {
        let seen = forwarded(&[
            ("host", "gateway:8443"),
            ("connection", "keep-alive, X-Mine, Content-Length"),
            ("keep-alive", "5"),
            ("x-mine", "1"),
            ("content-length", "0"),
            ("te", "trailers, gzip"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("expect", "100-continue"),
            ("authorization", "Bearer hunter2"),
            ("x-other", "2"),
        ]);
        let mut names: Vec<&str> = seen.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let wanted = [
            "authorization",
            "content-length",
            "host",
            "te",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-other",
        ];
        assert_eq!(names, wanted);
        assert_eq!(seen[TE], "trailers");
        assert_eq!(seen[header::AUTHORIZATION], "Bearer hunter2");
    }

    #[test]
    fn the_region_sees_its_own_host_and_the_clients_address_as_the_gateway_saw_it() {
        let seen =
            forwarded(&[("host", "shop.localhost"), ("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")]);
        assert_eq!(seen[HOST], "dbc-1.cloud.example.com");
        assert_eq!(seen[FORWARDED_HOST], "shop.localhost");
        assert_eq!(seen[FORWARDED_FOR], "10.1.2.3");
        assert_eq!(seen[FORWARDED_PROTO], "https");
        assert!(!seen.contains_key("forwarded"));
    }

    #[test]
    fn a_login_is_told_by_its_form() {
        for (login, kind) in [
            ("Bearer eyJraWQ.x.y", LoginKind::OAuth),
            ("bearer dapi0123", LoginKind::WorkspaceToken),
            ("Basic dG9rZW46ZGFwaTAxMjM=", LoginKind::WorkspaceToken),
            ("Basic YWRhOnB3", LoginKind::Other),
            ("dapi0123", LoginKind::Other),
        ] {
            let parts = parts(&[("authorization", login), ("user-agent", "sdk/1")]);
            assert_eq!(sender(&parts), ("sdk/1", kind), "{login}");
        }
        assert_eq!(sender(&parts(&[])), ("", LoginKind::None));
    }

    #[test]
    fn a_token_is_exchanged_on_its_way_to_the_region_that_knows_the_other_one() {
        let exchange = crate::net::TokenExchange::new([("dapi-east", "dapi-west")]);
        let to = Target { exchange, ..target() };
        let seen = |login: &str| request(&parts(&[("authorization", login)]), peer(), &to, "1001");
        assert_eq!(seen("Bearer dapi-east")[header::AUTHORIZATION], "Bearer dapi-west");
        assert!(seen("Bearer dapi-east")[header::AUTHORIZATION].is_sensitive());
        assert_eq!(seen("Bearer other")[header::AUTHORIZATION], "Bearer other");
    }

    #[test]
    fn an_upgrade_is_passed_on_as_one() {
        let asked = [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k")];
        let seen = forwarded(&asked);
        assert_eq!((&seen[CONNECTION], &seen[UPGRADE]), (&"upgrade".parse().unwrap(), &"websocket".parse().unwrap()));
        assert!(upgrade(&parts(&[("upgrade", "websocket")])).is_none(), "only what Connection names is an upgrade");
    }

    #[test]
    fn ids_and_cookies_are_each_sides_own() {
        let seen = forwarded(&[
            ("x-databricks-org-id", "1001"),
            ("cookie", "a=1; stable_workspace_id=1001"),
            ("cookie", "b=2"),
        ]);
        assert_eq!(seen["x-databricks-org-id"], "777");
        assert_eq!(seen[COOKIE], "a=1; b=2");
        assert!(!forwarded(&[("cookie", "stable_workspace_id=1001")]).contains_key(COOKIE));
        assert_eq!(answered(&[("x-databricks-org-id", "777")])["x-databricks-org-id"], "1001");
    }

    #[test]
    fn a_location_on_the_regions_host_leads_back_through_the_gateway() {
        let to = |text| answered(&[("location", text)])[LOCATION].to_str().expect("text").to_owned();
        assert_eq!(to("https://dbc-1.cloud.example.com/login?o=777&x=1#f"), "https://gateway:8443/login?o=1001&x=1#f");
        assert_eq!(to("https://dbc-1.cloud.example.com"), "https://gateway:8443/");
        assert_eq!(to("https://dbc-1.cloud.example.com?w=777"), "https://gateway:8443/?w=1001");
        for elsewhere in ["/relative", "https://login.example.com/x", "https://dbc-1.cloud.example.com:444/x"] {
            assert_eq!(to(elsewhere), elsewhere);
        }
    }

    #[test]
    fn a_cookie_for_the_regions_domain_holds_for_the_gateway() {
        let set = |text| answered(&[("set-cookie", text)])[SET_COOKIE].to_str().expect("text").to_owned();
        assert_eq!(set("a=b; Domain=.cloud.example.com; Secure"), "a=b; Secure");
        assert_eq!(set("a=b; domain=dbc-1.cloud.example.com"), "a=b");
        assert_eq!(set("a=b; Domain=other.com"), "a=b; Domain=other.com");
        assert_eq!(set("a=b; Domain=xample.com"), "a=b; Domain=xample.com");
    }

    #[test]
    fn a_head_that_can_be_read_in_two_ways_is_refused() {
        let problem = |headers: &[(&str, &str)]| check(&parts(headers)).expect_err("refused").to_string();
        assert!(problem(&[("content-length", "4"), ("transfer-encoding", "chunked")]).contains("more than once"));
        assert!(problem(&[("host", "a"), ("host", "b")]).contains("host"));
        assert!(problem(&[("authorization", "a"), ("authorization", "b")]).contains("authorization"));
        assert_eq!(check(&parts(&[("host", "a"), ("content-length", "4")])), Ok(()));
    }
}
