//! Who calls a stable URL: clients by their user agents, and the kinds of login that they bring.

use std::collections::HashMap;

/// Clients that are told apart; the rest is counted together.
const MOST: usize = 100;
/// Bytes of a user agent that are kept.
const MOST_AGENT: usize = 160;

/// What kind of login a request brings, as far as its form says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoginKind {
    /// An access token that a login service signed: it may be the account's.
    OAuth,
    /// A token that one workspace issued.
    WorkspaceToken,
    /// Something else, such as a cookie.
    Other,
    /// None.
    None,
}

/// One client as the gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenClient {
    /// Its user agent; empty where it sends none.
    pub user_agent: String,
    /// Requests since the gateway started.
    pub requests: u64,
    /// Those of them that brought a token of a workspace.
    pub workspace_tokens: u64,
}

/// The clients of one stable URL since the gateway started.
#[derive(Debug, Default)]
pub struct SeenClients {
    by_agent: HashMap<String, SeenClient>,
    others: u64,
}

impl SeenClients {
    /// Counts a request.
    pub fn came(&mut self, user_agent: &str, login: LoginKind) {
        let agent = cut(user_agent);
        if !self.by_agent.contains_key(agent) {
            if self.by_agent.len() >= MOST {
                self.others += 1;
                return;
            }
            let seen = SeenClient { user_agent: agent.to_owned(), requests: 0, workspace_tokens: 0 };
            self.by_agent.insert(agent.to_owned(), seen);
        }
        if let Some(seen) = self.by_agent.get_mut(agent) {
            seen.requests += 1;
            seen.workspace_tokens += u64::from(login == LoginKind::WorkspaceToken);
        }
    }

    /// The clients, those with the most requests first, and the requests of those that were too many to be told apart.
    pub fn view(&self) -> (Vec<SeenClient>, u64) {
        let mut all: Vec<SeenClient> = self.by_agent.values().cloned().collect();
        all.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.user_agent.cmp(&b.user_agent)));
        (all, self.others)
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MOST_AGENT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_their_user_agent_and_take_bounded_room() {
        let mut seen = SeenClients::default();
        seen.came("sdk/1", LoginKind::OAuth);
        seen.came("sdk/1", LoginKind::WorkspaceToken);
        seen.came("", LoginKind::None);
        let (all, others) = seen.view();
        assert_eq!((all.len(), others), (2, 0));
        let sdk = SeenClient { user_agent: "sdk/1".to_owned(), requests: 2, workspace_tokens: 1 };
        assert_eq!(all[0], sdk);
        for number in 0..1000 {
            seen.came(&format!("{number} {}", "ü".repeat(500)), LoginKind::Other);
        }
        let (all, others) = seen.view();
        assert_eq!((all.len(), others), (MOST, 1000 - (MOST as u64 - 2)));
        assert!(all.iter().all(|one| one.user_agent.len() <= MOST_AGENT));
    }
}
