//! Streams that were requests once, such as WebSockets: bytes go both ways until either side ends or the URL is switched.

use super::upstream::Driver;
use crate::net::Pass;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

/// The streams that are open.
#[derive(Debug, Default)]
pub struct Tunnels(Mutex<JoinSet<()>>);

impl Tunnels {
    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Joins a client and a region once both have switched the protocol. It counts as running until it ends.
    ///
    /// `driver` is what reads the region's end until then.
    pub fn open(&self, client: OnUpgrade, region: OnUpgrade, driver: Option<Driver>, pass: Pass) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let ended = pass.when_ended();
            tokio::select! {
                joined = join(client, region, driver) => {
                    if let Err(error) = joined {
                        tracing::debug!(%error, "an upgraded stream broke off");
                    }
                }
                () = ended => {}
            }
            drop(pass);
        });
    }

    /// Ends every stream, and returns when they are gone.
    pub async fn close(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
    }
}

async fn join(
    client: OnUpgrade,
    region: OnUpgrade,
    driver: Option<Driver>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let driven = async {
        if let Some(driver) = driver {
            driver.await;
        }
        Ok(())
    };
    let (client, region, ()) = tokio::try_join!(client, region, driven)?;
    tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(region)).await?;
    Ok(())
}
