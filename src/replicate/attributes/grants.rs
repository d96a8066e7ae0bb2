//! What is granted on an object, brought to its replica as a difference.

use super::same_principal;
use super::state::{Grants, Shared};
use crate::connect::{ConnectError, RegionApi};
use crate::wire::unity_catalog::{PermissionsChange, PrivilegeAssignment, Securable, UpdatePermissions};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a replica's grants are to become.
pub struct Wanted<'a> {
    pub source: &'a [PrivilegeAssignment],
    pub replica: &'a [PrivilegeAssignment],
    /// The runtime's principal at the replica: what it holds there is never revoked. Without one nothing is.
    pub me: Option<&'a str>,
    /// What the source could not take when it was the replica: it may have been granted here all along.
    pub keep: &'a Grants,
}

impl Wanted<'_> {
    /// One change for each principal whose privileges differ.
    pub fn changes(&self) -> Vec<PermissionsChange> {
        let privileges = |of: &[PrivilegeAssignment], principal: &str| -> Vec<String> {
            let own = of.iter().filter(|a| same_principal(&a.principal, principal));
            own.flat_map(|a| a.privileges.iter().cloned()).collect()
        };
        let mut changes: Vec<PermissionsChange> = Vec::new();
        for principal in self.source.iter().chain(self.replica).map(|a| a.principal.as_str()) {
            if changes.iter().any(|change| same_principal(&change.principal, principal)) {
                continue;
            }
            let (wanted, held) = (privileges(self.source, principal), privileges(self.replica, principal));
            let kept = |privilege: &String| {
                let mut kept = self.keep.iter().filter(|(known, _)| same_principal(known, principal));
                kept.any(|(_, privileges)| privileges.contains(privilege))
            };
            let is_mine = self.me.is_none_or(|me| same_principal(me, principal));
            let add = wanted.iter().filter(|p| !held.contains(p)).cloned().collect();
            let remove = held.iter().filter(|p| !wanted.contains(p) && !is_mine && !kept(p)).cloned().collect();
            changes.push(PermissionsChange { principal: principal.to_owned(), add, remove });
        }
        changes.retain(|change| !change.add.is_empty() || !change.remove.is_empty());
        changes
    }
}

/// What became of a change.
#[derive(Debug, Default)]
pub struct Granted {
    /// What the region can't grant, because it doesn't know the principal.
    pub left_out: Grants,
    /// The first refusal for another reason.
    pub refused: Option<ConnectError>,
}

/// Makes the changes: all in one call, or one by one where that is refused, so that one wrong entry holds up no other.
pub async fn make(
    client: &dyn RegionApi,
    of: Securable,
    name: &str,
    changes: Vec<PermissionsChange>,
    shared: &Mutex<Shared>,
    now: Duration,
) -> Result<Granted, ConnectError> {
    let mut granted = Granted::default();
    let mut due = Vec::new();
    for mut change in changes {
        let is_unknown = shared.lock().unwrap_or_else(PoisonError::into_inner).is_unknown(&change.principal, now);
        if is_unknown && !change.add.is_empty() {
            granted.left_out.insert(change.principal.clone(), std::mem::take(&mut change.add).into_iter().collect());
        }
        if !change.add.is_empty() || !change.remove.is_empty() {
            due.push(change);
        }
    }
    if due.is_empty() {
        return Ok(granted);
    }
    match client.update_grants(of, name, &UpdatePermissions { changes: due.clone() }).await {
        Ok(()) => return Ok(granted),
        Err(error) if error.is_transient() || error.is_not_served() || error.is_not_found() => return Err(error),
        Err(_) => {}
    }
    for change in due {
        let PermissionsChange { principal, add, .. } = &change;
        let one = UpdatePermissions { changes: vec![change.clone()] };
        match client.update_grants(of, name, &one).await {
            Ok(()) => {}
            Err(error) if error.is_unknown_principal() => {
                shared.lock().unwrap_or_else(PoisonError::into_inner).learn_unknown(principal, now);
                granted.left_out.insert(principal.clone(), add.iter().cloned().collect());
                if !change.remove.is_empty() {
                    let rest = PermissionsChange { add: Vec::new(), ..change };
                    client.update_grants(of, name, &UpdatePermissions { changes: vec![rest] }).await?;
                }
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => granted.refused = granted.refused.or(Some(error)),
        }
    }
    Ok(granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(principal: &str, privileges: &[&str]) -> PrivilegeAssignment {
        let privileges = privileges.iter().map(|p| (*p).to_owned()).collect();
        PrivilegeAssignment { principal: principal.to_owned(), privileges }
    }

    #[test]
    fn grants_are_compared_by_principal_and_only_what_differs_is_changed() {
        let source = [of("ana@x", &["SELECT", "MODIFY"]), of("team", &["SELECT"]), of("same", &["SELECT"])];
        let replica =
            [of("Ana@X", &["SELECT", "EXECUTE"]), of("same", &["SELECT"]), of("gone", &["MODIFY"]), of("me", &["M"])];
        let keep = Grants::default();
        let wanted = Wanted { source: &source, replica: &replica, me: Some("me"), keep: &keep };
        let text: Vec<String> =
            wanted.changes().iter().map(|c| format!("{} +{:?} -{:?}", c.principal, c.add, c.remove)).collect();
        assert_eq!(text, [r#"ana@x +["MODIFY"] -["EXECUTE"]"#, r#"team +["SELECT"] -[]"#, r#"gone +[] -["MODIFY"]"#]);
        let keep = Grants::from([("gone".to_owned(), ["MODIFY".to_owned()].into())]);
        assert_eq!(Wanted { keep: &keep, ..wanted }.changes().len(), 2, "the source never could take it");
        let blind = Wanted { source: &source, replica: &replica, me: None, keep: &Grants::default() }.changes();
        assert!(blind.iter().all(|change| change.remove.is_empty()), "who can't tell itself revokes nothing");
    }
}
