//! Changes that go on to their end: the store first, then what is in memory, also where the caller has gone.
//!
//! A future may be dropped at any of its awaits: a client closes its connection, a wait is over. What is stored must then
//! be shown anyway, or store and memory go apart until the next start.

use super::{Control, ControlError};
use crate::store::{StoreError, Tx};

impl Control {
    /// Runs `work` in one transaction, then `show`, both to their end; returns what was `held` in between.
    pub(super) async fn durably<H, T, R>(
        &self,
        held: H,
        work: impl FnOnce(&Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
        show: impl FnOnce(&Self, T) -> R + Send + 'static,
    ) -> Result<(H, R), ControlError>
    where
        H: Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let control = self.clone();
        // A task of its own is not dropped with the future that waits for it.
        let whole = tokio::spawn(async move {
            let stored = control.inner.store.run(work).await?;
            Ok((held, show(&control, stored)))
        });
        match whole.await {
            Ok(done) => done,
            Err(_) => Err(StoreError::Interrupted { path: self.inner.store.path().to_owned() }.into()),
        }
    }
}
