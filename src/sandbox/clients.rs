//! Who calls a region's workspace: user agent, principal, and whether the call came through the gateway.
//!
//! It is kept in memory, and a restart forgets it.

use crate::domain::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Clients that are kept; the one that was silent for longest makes way.
const MOST: usize = 256;
/// Characters of a user agent that are kept.
const MOST_CHARACTERS: usize = 200;

/// One client of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceClient {
    /// What it says it is; empty where it says nothing.
    pub user_agent: String,
    /// Who it logged in as; None where it did not, or in vain.
    pub principal: Option<String>,
    /// Whether it called a stable URL, and not the workspace's own.
    pub through_gateway: bool,
    /// Calls since the process started.
    pub calls: u64,
    /// Its latest call.
    pub last: Timestamp,
}

type Key = (String, Option<String>, bool);

/// The clients of one region.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<HashMap<Key, (u64, Timestamp)>>);

impl Clients {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, (u64, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call.
    pub fn called(&self, user_agent: &str, principal: Option<&str>, through_gateway: bool, now: Timestamp) {
        let user_agent: String = user_agent.chars().filter(|c| !c.is_control()).take(MOST_CHARACTERS).collect();
        let key = (user_agent, principal.map(str::to_owned), through_gateway);
        let mut all = self.all();
        if all.len() >= MOST && !all.contains_key(&key) {
            let oldest = all.iter().min_by_key(|(_, (_, last))| *last).map(|(key, _)| key.clone());
            oldest.map(|key| all.remove(&key));
        }
        let (calls, last) = all.entry(key).or_insert((0, now));
        *calls += 1;
        *last = now;
    }

    /// Every client, the latest one first.
    pub fn seen(&self) -> Vec<WorkspaceClient> {
        let of =
            |((user_agent, principal, through_gateway), (calls, last)): (&Key, &(u64, Timestamp))| WorkspaceClient {
                user_agent: user_agent.clone(),
                principal: principal.clone(),
                through_gateway: *through_gateway,
                calls: *calls,
                last: *last,
            };
        let mut seen: Vec<_> = self.all().iter().map(of).collect();
        seen.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.user_agent.cmp(&b.user_agent)));
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn at(second: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + second, 0).single().expect("a time")
    }

    #[test]
    fn a_client_is_told_apart_by_its_agent_its_login_and_its_way() {
        let clients = Clients::default();
        clients.called("sdk/1", Some("me"), false, at(1));
        clients.called("sdk/1", Some("me"), false, at(2));
        clients.called("sdk/1", Some("me"), true, at(3));
        clients.called("sdk/1\r\n", None, true, at(4));
        let seen = clients.seen();
        let told: Vec<_> =
            seen.iter().map(|c| (c.user_agent.as_str(), c.principal.is_some(), c.through_gateway, c.calls)).collect();
        assert_eq!(told, [("sdk/1", false, true, 1), ("sdk/1", true, true, 1), ("sdk/1", true, false, 2)]);
    }

    #[test]
    fn the_one_that_was_silent_for_longest_makes_way() {
        let clients = Clients::default();
        for second in 0..=MOST {
            clients.called(&format!("agent {second}"), None, false, at(second as i64));
        }
        let seen = clients.seen();
        assert_eq!(seen.len(), MOST);
        assert!(seen.iter().all(|client| client.user_agent != "agent 0"));
    }
}
