//! Which logins survive a switch of a stable URL, in words.

use crate::console::scene::Scene;
use crate::control::view::StableUrlView;
use crate::domain::{FailoverGroup, WorkspaceId, WorkspaceSet};

/// The workspace set of a group that names a stable URL.
pub fn set_of<'a>(group: &'a FailoverGroup, url: &StableUrlView) -> Option<&'a WorkspaceSet> {
    group.spec.workspace_sets.iter().find(|set| set.stable_url_names.contains(&url.name))
}

/// Where a stable URL can lead: the workspaces of the set that names it; only where it leads now while it follows no group.
pub fn workspaces(scene: &Scene<'_>, url: &StableUrlView) -> Vec<WorkspaceId> {
    let group = url.group.as_ref().and_then(|id| scene.group(id));
    let set = group.and_then(|view| set_of(&view.group, url));
    set.map_or_else(|| vec![url.effective_workspace_id.clone()], |set| set.workspace_ids.clone())
}

/// A line each for the logins that survive and for those that don't.
pub fn lines(names: &[String], clients: &[String]) -> Vec<String> {
    let survive = "Survive a switch: account OAuth logins of users and service principals that both workspaces know";
    let [first, second] = names else {
        return vec![
            survive.to_owned(),
            "Don't survive: a workspace's own tokens, because the other region returns 401".to_owned(),
        ];
    };
    let mut lost = format!("Don't survive: tokens that {first} or {second} issued, because the other one returns 401");
    if !clients.is_empty() {
        lost.push_str(&format!("; except those that the gateway exchanges, of {}", clients.join(", ")));
    }
    vec![survive.to_owned(), lost]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_url_says_which_logins_survive_and_whose_tokens_are_exchanged() {
        let names = ["shop-east", "shop-west"].map(str::to_owned);
        let told = lines(&names, &[]);
        assert!(told[0].contains("account OAuth") && told[1].contains("shop-east or shop-west"), "{told:?}");
        assert!(!told[1].contains("except"));
        let told = lines(&names, &["etl".to_owned(), "bi".to_owned()]);
        assert!(told[1].ends_with("except those that the gateway exchanges, of etl, bi"), "{told:?}");
        assert_eq!(lines(&names[..1], &[]).len(), 2, "a URL that follows no group says it too");
    }
}
