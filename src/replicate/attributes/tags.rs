//! Tags, brought to the replica as a difference.

use crate::connect::{ConnectError, RegionApi};
use crate::wire::unity_catalog::EntityTagAssignment;

fn value(tag: &EntityTagAssignment) -> &str {
    tag.tag_value.as_deref().unwrap_or_default()
}

/// Makes an entity's tags at `to` those that it has at `from`.
pub async fn follow(
    from: &dyn RegionApi,
    to: &dyn RegionApi,
    entity_type: &str,
    name: &str,
) -> Result<(), ConnectError> {
    let (source, replica) = futures::try_join!(from.tags(entity_type, name), to.tags(entity_type, name))?;
    for tag in &source {
        let wanted = EntityTagAssignment {
            entity_type: entity_type.to_owned(),
            entity_name: name.to_owned(),
            tag_key: tag.tag_key.clone(),
            tag_value: tag.tag_value.clone(),
            ..EntityTagAssignment::default()
        };
        match replica.iter().find(|known| known.tag_key == tag.tag_key) {
            None => to.assign_tag(&wanted).await?,
            Some(known) if value(known) != value(tag) => to.update_tag(&wanted).await?,
            Some(_) => {}
        }
    }
    for gone in replica.iter().filter(|known| !source.iter().any(|tag| tag.tag_key == known.tag_key)) {
        to.remove_tag(entity_type, name, &gone.tag_key).await?;
    }
    Ok(())
}
