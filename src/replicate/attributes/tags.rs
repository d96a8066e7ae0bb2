//! Tags, brought to the replica as a difference.

use crate::connect::{ConnectError, RegionApi};
use crate::wire::unity_catalog::EntityTagAssignment;

fn value(tag: &EntityTagAssignment) -> &str {
    tag.tag_value.as_deref().unwrap_or_default()
}

/// One thing to do about an entity's tags.
#[derive(Debug, Clone, PartialEq)]
pub enum TagChange {
    Assign(EntityTagAssignment),
    Update(EntityTagAssignment),
    /// By its key.
    Remove(String),
}

impl TagChange {
    pub fn key(&self) -> &str {
        match self {
            Self::Assign(tag) | Self::Update(tag) => &tag.tag_key,
            Self::Remove(key) => key,
        }
    }
}

/// What makes an entity's tags at `to` those that it has at `from`.
pub async fn changes(
    from: &dyn RegionApi,
    to: &dyn RegionApi,
    entity_type: &str,
    name: &str,
) -> Result<Vec<TagChange>, ConnectError> {
    let (source, replica) = futures::try_join!(from.tags(entity_type, name), to.tags(entity_type, name))?;
    let mut changes = Vec::new();
    for tag in &source {
        let wanted = EntityTagAssignment {
            entity_type: entity_type.to_owned(),
            entity_name: name.to_owned(),
            tag_key: tag.tag_key.clone(),
            tag_value: tag.tag_value.clone(),
            ..EntityTagAssignment::default()
        };
        match replica.iter().find(|known| known.tag_key == tag.tag_key) {
            None => changes.push(TagChange::Assign(wanted)),
            Some(known) if value(known) != value(tag) => changes.push(TagChange::Update(wanted)),
            Some(_) => {}
        }
    }
    let gone = replica.into_iter().filter(|known| !source.iter().any(|tag| tag.tag_key == known.tag_key));
    changes.extend(gone.map(|tag| TagChange::Remove(tag.tag_key)));
    Ok(changes)
}

/// Makes an entity's tags at `to` those that it has at `from`.
pub async fn follow(
    from: &dyn RegionApi,
    to: &dyn RegionApi,
    entity_type: &str,
    name: &str,
) -> Result<(), ConnectError> {
    for change in changes(from, to, entity_type, name).await? {
        match change {
            TagChange::Assign(tag) => to.assign_tag(&tag).await?,
            TagChange::Update(tag) => to.update_tag(&tag).await?,
            TagChange::Remove(key) => to.remove_tag(entity_type, name, &key).await?,
        }
    }
    Ok(())
}
