//! Tokens of service principals: made by an admin on their behalf, good until they end or are taken back.

use super::call::{Answer, Call, Caller, answer, done};
use super::principals::{self, Principal};
use super::records::Kind;
use super::refusal::Refusal;
use super::region::Region;
use crate::domain::hex;
use crate::wire::error;
use crate::wire::scim::SERVICE_PRINCIPALS;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A token as it is kept: without itself, under its digest.
#[derive(Serialize, Deserialize)]
struct Kept {
    token_id: String,
    principal_id: i64,
    comment: String,
    created_by: String,
    creation_time: i64,
    /// Milliseconds since 1970; −1 for a token that does not end.
    expiry_time: i64,
}

pub(super) fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::POST, ["on-behalf-of", "tokens"]) => create(region, call),
        (&Method::GET, ["tokens"]) => list(region, call),
        (&Method::GET, ["tokens", id]) => get(region, call, id),
        (&Method::DELETE, ["tokens", id]) => delete(region, call, id),
        _ => return None,
    })
}

/// Whose token it is that has this digest.
pub(super) fn caller(region: &Region, digest: &[u8]) -> Result<Caller, Refusal> {
    let unauthenticated = |sentence: &str| Refusal::new(401, error::UNAUTHENTICATED, sentence);
    let kept: Kept = region
        .records
        .get(Kind::Token, &hex(digest))
        .ok_or_else(|| unauthenticated("The token is not one of this workspace. Take the one in its token file."))?;
    if (0..region.now_ms()).contains(&kept.expiry_time) {
        return Err(unauthenticated("The token has expired. Ask a workspace admin for another one."));
    }
    match principals::with_id(&region.records, &kept.principal_id.to_string()).filter(Principal::is_active) {
        Some(_) => Ok(Caller::Principal(kept.principal_id)),
        None => Err(Refusal::denied("The token's service principal is not active in this workspace.")),
    }
}

fn admins_only(region: &Region, call: &Call) -> Result<(), Refusal> {
    if principals::is_admin(region, call.caller) {
        return Ok(());
    }
    Err(Refusal::denied("Only workspace admins manage tokens."))
}

fn create(region: &Region, call: &Call) -> Answer {
    admins_only(region, call)?;
    let application = call.field("application_id")?;
    let principal = principals::named_in(&region.records, SERVICE_PRINCIPALS, &application).ok_or_else(|| {
        Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Service principal {application} does not exist."))
    })?;
    let seconds = call.body["lifetime_seconds"].as_i64().filter(|seconds| *seconds > 0);
    let token = format!("dapi{}", hex(&rand::random::<[u8; 16]>()));
    let kept = Kept {
        token_id: hex(&rand::random::<[u8; 16]>()),
        principal_id: principal.record.id.parse().map_err(|_| Refusal::invalid("The service principal has no id."))?,
        comment: call.body["comment"].as_str().unwrap_or_default().to_owned(),
        created_by: region.user(call.caller),
        creation_time: region.now_ms(),
        expiry_time: seconds.map_or(-1, |seconds| region.now_ms().saturating_add(seconds.saturating_mul(1_000))),
    };
    let mut writing = region.records.write();
    writing.put(Kind::Token, hex(&Sha256::digest(token.as_bytes())), &kept);
    writing.commit()?;
    answer(&json!({"token_value": token, "token_info": shown(&kept)}))
}

fn shown(kept: &Kept) -> Value {
    json!({"token_id": kept.token_id, "owner_id": kept.principal_id, "comment": kept.comment,
        "created_by_username": kept.created_by, "creation_time": kept.creation_time, "expiry_time": kept.expiry_time})
}

fn list(region: &Region, call: &Call) -> Answer {
    admins_only(region, call)?;
    let tokens: Vec<Value> = region.records.all::<Kept>(Kind::Token, "").iter().map(shown).collect();
    answer(&json!({"token_infos": tokens}))
}

/// A token's key and what is kept of it.
fn found(region: &Region, id: &str) -> Result<(String, Kept), Refusal> {
    let all = region.records.page(Kind::Token, "", "", usize::MAX).into_iter();
    let mut kept = all.filter_map(|(key, body)| Some((key, serde_json::from_str::<Kept>(&body).ok()?)));
    let missing = || Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Token {id} does not exist."));
    kept.find(|(_, kept)| kept.token_id == id).ok_or_else(missing)
}

fn get(region: &Region, call: &Call, id: &str) -> Answer {
    admins_only(region, call)?;
    answer(&json!({"token_info": shown(&found(region, id)?.1)}))
}

fn delete(region: &Region, call: &Call, id: &str) -> Answer {
    admins_only(region, call)?;
    let mut writing = region.records.write();
    let (key, _) = found(region, id)?;
    writing.delete(Kind::Token, key);
    writing.commit()?;
    done()
}
