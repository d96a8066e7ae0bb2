//! Calls that meet a failover that is running.

use super::{Served, group, is, refusal};
use crate::api::ApiOptions;
use crate::control::ControlSettings;
use crate::domain::{FailoverGroup, GroupState};
use reqwest::Method;
use serde_json::{Value, json};

/// A group that fails over from east to west and stays so: no worker runs.
async fn failing_over(kind: &str) -> (Served, Value) {
    let active = FailoverGroup { state: GroupState::Active, bootstrapped: true, ..group("core") };
    let settings = ControlSettings { read_only: true, ..ControlSettings::default() };
    let served = Served::with_groups(vec![active], ApiOptions::default(), settings).await;
    let (status, group) = ask(&served, json!({"failover_type": kind})).await;
    assert_eq!((status, &group["state"]), (200, &json!("FAILING_OVER")), "{group}");
    (served, group)
}

async fn ask(served: &Served, mut body: Value) -> (u16, Value) {
    body["target_primary_region"] = json!("west");
    let (status, answer) = served.call(Method::POST, "failover-groups/core/failover", Some(body)).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn asking_again_for_what_runs_is_harmless_and_a_stale_etag_is_refused_even_then() {
    for kind in ["FORCED", "PLANNED"] {
        let (served, group) = failing_over(kind).await;
        for etag in [Value::Null, json!(""), group["etag"].clone()] {
            let (status, again) = ask(&served, json!({"failover_type": kind, "etag": etag})).await;
            assert_eq!((status, &again), (200, &group), "nothing changed");
        }
        for stale in ["etag-of-core", &"0".repeat(32)] {
            let body = json!({"target_primary_region": "west", "failover_type": kind, "etag": stale});
            let answer = served.call(Method::POST, "failover-groups/core/failover", Some(body)).await;
            assert_eq!(refusal(answer), is(409, "ABORTED"), "{kind} with {stale}");
        }
        served.end().await;
    }
}

#[tokio::test]
async fn the_other_kind_is_refused_with_the_one_that_runs() {
    for (running, asked) in [("FORCED", "PLANNED"), ("PLANNED", "FORCED")] {
        let (served, group) = failing_over(running).await;
        for etag in [Value::Null, group["etag"].clone()] {
            let (status, answer) = ask(&served, json!({"failover_type": asked, "etag": etag})).await;
            assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_STATE")));
            let sentence = answer["message"].as_str().expect("a sentence");
            assert!(sentence.starts_with(&format!("A {running} failover of core to west is running")), "{sentence}");
        }
        let (_, after) = served.call(Method::GET, "failover-groups/core", None).await;
        assert_eq!(after, group, "nothing changed");
        served.end().await;
    }
}

#[tokio::test]
async fn asking_again_with_another_list_of_what_may_be_left_behind_is_refused() {
    let active = FailoverGroup { state: GroupState::Active, bootstrapped: true, ..group("core") };
    let settings = ControlSettings { read_only: true, ..ControlSettings::default() };
    let served = Served::with_groups(vec![active], ApiOptions::default(), settings).await;
    let planned = |names: Value| json!({"failover_type": "PLANNED", "accept_left_behind": names});
    let (status, _) = ask(&served, planned(json!(["c.s.a", "c.s.b"]))).await;
    assert_eq!(status, 200);
    let (status, _) = ask(&served, planned(json!(["c.s.B", "C.s.a"]))).await;
    assert_eq!(status, 200, "the same names, as a catalog compares them");
    for other in [Value::Null, json!([]), json!(["c.s.a"]), json!(["c.s.a", "c.s.b", "c.s.c"])] {
        let (status, answer) = ask(&served, planned(other)).await;
        assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_STATE")), "{answer}");
        assert!(answer["message"].as_str().is_some_and(|said| said.contains("c.s.a, c.s.b")), "{answer}");
    }
    let (status, answer) = ask(&served, planned(json!("c.s.a"))).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "{answer}");
    served.end().await;
}
