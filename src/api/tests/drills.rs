//! When drills are due.

use super::{Served, group, is, refusal};
use crate::api::ApiOptions;
use crate::control::ControlSettings;
use crate::domain::{FailoverGroup, GroupState};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_schedule_that_cannot_be_is_refused_even_where_none_is_wanted() {
    let active = FailoverGroup { state: GroupState::Active, bootstrapped: true, ..group("core") };
    let settings = ControlSettings { read_only: true, ..ControlSettings::default() };
    let served = Served::with_groups(vec![active], ApiOptions::default(), settings).await;
    let set = |body: Value| served.call(Method::PATCH, "failover-groups/core/drills/schedule", Some(body));
    for kind in [json!("ISOLATED"), Value::Null] {
        for (days, hour) in [(0, 3), (367, 3), (7, 24)] {
            let answer = set(json!({"kind": kind, "every_days": days, "hour": hour})).await;
            assert_eq!(refusal(answer), is(400, "INVALID_PARAMETER_VALUE"), "{kind}, {days} days, {hour}:00");
        }
    }
    let (status, kept) = set(json!({"kind": "ISOLATED", "every_days": 366, "hour": 23})).await;
    assert_eq!((status.as_u16(), &kept["schedule"]["every_days"]), (200, &json!(366)));
    let (status, gone) = set(json!({"kind": null, "every_days": 1, "hour": 23})).await;
    assert_eq!((status.as_u16(), &gone["schedule"]), (200, &Value::Null));
    served.end().await;
}
