//! Which places a region's catalog can reach: those in an external location, and those under its metastore's own root.

use super::Endpoint;
use crate::connect::ConnectError;
use crate::domain::{ErrorClass, Region, StorageUri};
use std::collections::BTreeMap;
use tokio::sync::OnceCell;

/// Class, parameters and message of what failed at a place.
pub type Failure = (ErrorClass, BTreeMap<String, String>, String);

/// The reachable places of a region, read once when first needed.
#[derive(Debug, Default)]
pub struct Coverage {
    places: OnceCell<Option<Vec<String>>>,
}

impl Coverage {
    /// What `error` means for an object that was to lie at `place`: a catalog says of a place that it can't reach only
    /// that it denies it.
    pub async fn explain(&self, endpoint: &Endpoint, place: Option<&str>, error: ConnectError) -> Failure {
        if let Some(place) = place.filter(|_| may_be_about_a_place(&error))
            && self.is_outside(endpoint, place).await
        {
            let parameters =
                [("path".to_owned(), place.to_owned()), ("region".to_owned(), endpoint.region.to_string())];
            let message = missing_sentence(place, &endpoint.region);
            return (ErrorClass::MissingExternalLocation, parameters.into(), message);
        }
        (error.class(), BTreeMap::new(), error.to_string())
    }

    async fn is_outside(&self, endpoint: &Endpoint, place: &str) -> bool {
        let places = self.places.get_or_init(|| async { reachable_places(endpoint).await.ok() }).await;
        places.as_ref().is_some_and(|places| !covers(places, place))
    }
}

/// Whether a refusal can have the place as its reason.
fn may_be_about_a_place(error: &ConnectError) -> bool {
    match error {
        ConnectError::NotGranted { told, .. } => may_be_about_a_place(told),
        ConnectError::PermissionDenied { .. } | ConnectError::Refused { .. } | ConnectError::NotFound { .. } => true,
        _ => false,
    }
}

/// External locations of a region, and its metastore's own root.
pub async fn reachable_places(endpoint: &Endpoint) -> Result<Vec<String>, ConnectError> {
    let locations = endpoint.client.external_locations().await?.into_iter().map(|location| location.url);
    Ok(locations.chain(endpoint.metastore_root.clone()).collect())
}

/// Whether `place` lies in one of `places`.
pub fn covers(places: &[String], place: &str) -> bool {
    let Ok(place) = StorageUri::parse(place) else { return false };
    places.iter().any(|outer| StorageUri::parse(outer).is_ok_and(|outer| place.is_within(&outer)))
}

/// Says that no external location covers a place, and what to do.
pub fn missing_sentence(place: &str, region: &Region) -> String {
    format!(
        "No external location of {region} covers {place}. Create one for that path in {region}, with a storage credential that can write there."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_covered_at_a_slash_however_it_is_spelled() {
        let places = ["file:///w/my%20lake/".to_owned(), "s3://w/lake".to_owned(), "nonsense".to_owned()];
        for place in ["file:///w/my lake/t", "file:///w/my%20lake", "s3://w/lake/t"] {
            assert!(covers(&places, place), "{place}");
        }
        for place in ["file:///w/my%20lakes", "s3://w/lakehouse", "s3://w", "gs://w/lake", "nonsense"] {
            assert!(!covers(&places, place), "{place}");
        }
    }

    #[test]
    fn only_a_refusal_can_be_about_a_place() {
        let text = String::new;
        let denied = ConnectError::PermissionDenied { region: Region::new(text()), call: text(), message: text() };
        let away = ConnectError::Unreachable { region: Region::new(text()), url: text(), cause: text() };
        assert!(may_be_about_a_place(&denied) && !may_be_about_a_place(&away));
    }
}
