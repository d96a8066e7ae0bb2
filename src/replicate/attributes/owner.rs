//! Who owns a replica: the source's owner, where the replica's region knows it.

use super::look::{Look, Side};
use super::same_principal;
use super::state::Facet;
use crate::connect::ConnectError;
use crate::wire::unity_catalog::{PermissionsChange, Securable, UpdatePermissions};

/// What became of an owner.
#[derive(Debug, Default)]
pub struct Owned {
    /// The replica's owner now, where it was changed.
    pub given: Option<String>,
    /// The source's owner, whom the replica's region doesn't know.
    pub left_out: Option<String>,
}

/// Who has to own the replica; None where that is its owner already, or nothing is to be said of owners.
/// `replica` is its owner now, None where that isn't known.
pub fn wanted<'a>(look: &'a Look<'_>, source: Option<&'a str>, replica: Option<&str>) -> Option<&'a str> {
    let wanted = source.filter(|_| look.serves(Side::Destination, Facet::Owners))?;
    let is_console = look.me_at_source.is_some_and(|me| same_principal(me, wanted));
    // The console's principal stands in for someone whom the source doesn't know, and this region may.
    let stands_in = look.never_knew().is_some_and(|left_out| left_out.owner.is_some());
    if stands_in && is_console {
        return None;
    }
    // What the console owns in one region, it owns in the other, under whatever name it has there.
    let wanted = look.me.filter(|_| is_console).unwrap_or(wanted);
    (!replica.is_some_and(|replica| same_principal(replica, wanted))).then_some(wanted)
}

/// Gives the replica to the source's owner, or to the runtime's principal where its region doesn't know that one.
/// `replica` is its owner now, None where that isn't known.
pub async fn follow(look: &Look<'_>, source: Option<&str>, replica: Option<&str>) -> Result<Owned, ConnectError> {
    let Some(wanted) = wanted(look, source, replica) else { return Ok(Owned::default()) };
    let mut owned = Owned::default();
    if !look.is_unknown(wanted) {
        match give(look, wanted).await {
            Ok(is_given) => {
                owned.given = is_given.then(|| wanted.to_owned());
                return Ok(owned);
            }
            Err(error) if error.is_unknown_principal() => look.learn_unknown(wanted),
            Err(error) => return Err(error),
        }
    }
    owned.left_out = Some(wanted.to_owned());
    if let Some(me) = look.me {
        if !replica.is_some_and(|replica| same_principal(replica, me)) {
            look.to.set_owner(look.of, look.name, me).await?;
        }
        owned.given = Some(me.to_owned());
    }
    Ok(owned)
}

/// Gives an object to its owner. Before it gives a catalog away, the console grants itself MANAGE on it, to be able to change
/// it later. Where the region has no such grant, the console keeps the catalog.
async fn give(look: &Look<'_>, owner: &str) -> Result<bool, ConnectError> {
    if look.of == Securable::Catalog
        && let Some(me) = look.me.filter(|me| !same_principal(me, owner))
    {
        let manage = PermissionsChange {
            principal: me.to_owned(),
            add: vec!["MANAGE".to_owned()],
            ..PermissionsChange::default()
        };
        match look.to.update_grants(look.of, look.name, &UpdatePermissions { changes: vec![manage] }).await {
            Err(error) if error.is_not_served() => return Ok(false),
            granted => granted?,
        }
    }
    look.to.set_owner(look.of, look.name, owner).await.map(|()| true)
}
