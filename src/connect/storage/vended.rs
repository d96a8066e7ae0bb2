//! Temporary credentials that are asked for again before they end, so that a long copy outlives them.

use crate::connect::error::ConnectError;
use crate::domain::Clock;
use crate::wire::unity_catalog::TemporaryCredentials;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use object_store::CredentialProvider;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Credentials are renewed so long before they end: a request that is sent with them has to be answered in time.
const MARGIN: TimeDelta = TimeDelta::minutes(2);

/// Asks for fresh credentials.
pub type Renew = Box<dyn Fn() -> BoxFuture<'static, Result<TemporaryCredentials, ConnectError>> + Send + Sync>;

/// Credentials for one place, and the way to fresh ones.
pub struct Vended {
    held: Mutex<TemporaryCredentials>,
    renew: Option<Renew>,
    clock: Arc<dyn Clock>,
}

/// Shows nothing of the credentials.
impl fmt::Debug for Vended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vended").field("renews", &self.renew.is_some()).finish_non_exhaustive()
    }
}

impl Vended {
    /// Credentials as the region vended them; `renew` is asked when their end comes near.
    pub fn new(first: TemporaryCredentials, renew: Option<Renew>, clock: Arc<dyn Clock>) -> Self {
        Self { held: Mutex::new(first), renew, clock }
    }

    /// Those that hold now. Where no fresh ones can be had, the old ones serve until they end.
    pub(super) async fn current(&self) -> Result<TemporaryCredentials, ConnectError> {
        let mut held = self.held.lock().await;
        let end = held.expiration_time.and_then(DateTime::<Utc>::from_timestamp_millis);
        let now = self.clock.now();
        if let (Some(end), Some(renew)) = (end, &self.renew)
            && end - now < MARGIN
        {
            match renew().await {
                Ok(fresh) => *held = fresh,
                Err(error) if end <= now => return Err(error),
                Err(_) => {}
            }
        }
        Ok(held.clone())
    }
}

/// Picks the credential of one kind of store.
pub(super) struct Picked<C> {
    pub vended: Arc<Vended>,
    pub pick: fn(&TemporaryCredentials) -> Option<C>,
    pub store: &'static str,
}

impl<C> fmt::Debug for Picked<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picked").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The region vended credentials of another kind than before.
#[derive(Debug, thiserror::Error)]
#[error("The region no longer vends credentials for {store}. Check the external location's storage credential.")]
struct NoneVended {
    store: &'static str,
}

impl<C: Send + Sync + 'static> CredentialProvider for Picked<C> {
    type Credential = C;

    // As `async_trait` writes it, which isn't a dependency of this project.
    fn get_credential<'a, 'b>(&'a self) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<C>>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let store = self.store;
            let current = self.vended.current().await;
            let current = current.map_err(|error| object_store::Error::Generic { store, source: Box::new(error) })?;
            let picked = (self.pick)(&current);
            let none = || object_store::Error::Generic { store, source: Box::new(NoneVended { store }) };
            picked.map(Arc::new).ok_or_else(none)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;
    use crate::wire::unity_catalog::GcpToken;
    use chrono::TimeZone;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn token(text: &str, end: DateTime<Utc>) -> TemporaryCredentials {
        TemporaryCredentials {
            gcp_oauth_token: Some(GcpToken { oauth_token: text.into() }),
            expiration_time: Some(end.timestamp_millis()),
            ..TemporaryCredentials::default()
        }
    }

    async fn bearer(vended: &Arc<Vended>) -> Result<String, String> {
        let pick = |found: &TemporaryCredentials| found.gcp_oauth_token.clone().map(|t| t.oauth_token);
        let provider = Picked { vended: vended.clone(), pick, store: "GCS" };
        let found = provider.get_credential().await;
        found.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn credentials_are_renewed_before_they_end_and_serve_until_then() {
        let start = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).single().expect("a time");
        let clock = Arc::new(ManualClock::new(start));
        let asked = Arc::new(AtomicU32::new(0));
        let (counted, now) = (asked.clone(), clock.clone());
        let renew: Renew = Box::new(move || {
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let end = now.now() + TimeDelta::minutes(15);
            Box::pin(async move {
                match number {
                    0 => Ok(token("second", end)),
                    _ => Err(ConnectError::BadStorage { uri: "gs://lake".to_owned(), problem: "away".to_owned() }),
                }
            })
        });
        let vended = Arc::new(Vended::new(token("first", start + TimeDelta::minutes(15)), Some(renew), clock.clone()));
        assert_eq!(bearer(&vended).await.as_deref(), Ok("first"));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        clock.advance(TimeDelta::minutes(14));
        assert_eq!(bearer(&vended).await.as_deref(), Ok("second"));
        clock.advance(TimeDelta::minutes(14));
        assert_eq!(bearer(&vended).await.as_deref(), Ok("second"), "what still holds serves");
        clock.advance(TimeDelta::minutes(2));
        let error = bearer(&vended).await.expect_err("nothing holds any more");
        assert!(error.contains("away") && !error.contains("second"), "{error}");
        assert!(!format!("{vended:?}").contains("second"));
    }
}
