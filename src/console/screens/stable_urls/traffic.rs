//! What goes through the gateway for one stable URL, in words.

use crate::console::format;
use crate::net::{Switch, TrafficView, host_label};
use crate::runtime::GatewayView;

/// Requests now and lately.
pub fn requests(traffic: &TrafficView) -> String {
    let mut parts = vec![format!("{:.1} requests a second", traffic.per_second)];
    if traffic.held > 0 {
        parts.push(format!("{} waiting for a switch", format::count(traffic.held)));
    }
    if traffic.running > 0 {
        parts.push(format!("{} running", format::count(traffic.running)));
    }
    parts.push(match traffic.errors {
        0 => "no errors".to_owned(),
        errors => format!("{} since the start", format::plural(errors as usize, "error", "errors")),
    });
    parts.join(" · ")
}

/// How long answers take to begin; None while there is none to tell of.
pub fn times(traffic: &TrafficView) -> Option<String> {
    Some(format!("half within {}, 99% within {}", time(traffic.p50_ms?), time(traffic.p99_ms?)))
}

fn time(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 10.0 => format!("{short:.1} ms"),
        long if long < 10_000.0 => format!("{long:.0} ms"),
        longer => format!("{:.0} s", longer / 1000.0),
    }
}

/// One switch to another region.
pub fn switch(switch: &Switch) -> String {
    let waited = match switch.held {
        0 => "no request waited".to_owned(),
        1 => "1 request waited".to_owned(),
        many => format!("{} requests waited", format::count(many)),
    };
    format!("{} from {} to {}; {waited}", format::utc(switch.at), switch.from_region, switch.to_region)
}

/// The address for a driver that can add nothing to a URL's query.
pub fn by_host_name(gateway: &GatewayView, id: &str) -> Option<String> {
    let (scheme, authority) = gateway.url.split_once("://")?;
    let (_, port) = authority.rsplit_once(':')?;
    Some(format!("{scheme}://{}.{}:{port}", host_label(id), gateway.domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn traffic_is_told_in_plain_words() {
        let mut traffic = TrafficView { per_second: 12.25, ..TrafficView::default() };
        assert_eq!(requests(&traffic), "12.2 requests a second · no errors");
        assert_eq!(times(&traffic), None);
        traffic = TrafficView { held: 3, running: 2, errors: 1, p50_ms: Some(1.5), p99_ms: Some(42.0), ..traffic };
        assert_eq!(
            requests(&traffic),
            "12.2 requests a second · 3 waiting for a switch · 2 running · 1 error since the start"
        );
        assert_eq!(times(&traffic).as_deref(), Some("half within 1.5 ms, 99% within 42 ms"));
    }

    #[test]
    fn a_switch_says_when_from_where_to_where_and_who_waited() {
        let at = Utc.with_ymd_and_hms(2026, 11, 25, 12, 4, 0).single().expect("a time");
        let one = Switch { at, from_region: "us-east-1".to_owned(), to_region: "us-west-2".to_owned(), held: 1 };
        let told = switch(&one);
        assert!(told.contains("12:04") && told.ends_with("from us-east-1 to us-west-2; 1 request waited"), "{told}");
    }

    #[test]
    fn a_driver_gets_a_host_name_of_its_own() {
        let gateway =
            GatewayView { url: "http://127.0.0.1:20001".to_owned(), domain: "localhost".to_owned(), fingerprint: None };
        assert_eq!(by_host_name(&gateway, "Shop_1").as_deref(), Some("http://shop-1.localhost:20001"));
    }
}
