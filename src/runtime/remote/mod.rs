//! The console as a client of another account: it reads that account's disaster-recovery API and calls it, and keeps nothing.
//!
//! Such an account tells its groups, their states and replication points, and its stable URLs. It doesn't tell objects,
//! failover steps, loss, activity or tokens; the window says so.

mod act;
mod login;
mod read;

pub use login::{AccountLogin, AccountSource};

use super::intent::IntentId;
use super::{DeploymentView, Intent, Notice, RuntimeError, Snapshot};
use crate::connect::{AccountClient, ConnectError};
use crate::control::view::AccountView;
use crate::domain::{Clock, GroupState};
use crate::net::Backoff;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How long the account is left alone between two readings.
const PAUSE: Duration = Duration::from_secs(3);
/// The same while a group is on its way from one state to another.
const BRISK: Duration = Duration::from_secs(1);
/// After a failure the waits grow.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));

/// What the window needs of it.
pub(super) struct Remote {
    client: AccountClient,
    clock: Arc<dyn Clock>,
    /// Something was changed here, so the account is read again at once.
    changed: Notify,
}

impl Remote {
    /// Reads the account once, so that a wrong login is known before the window opens.
    pub async fn start(source: AccountSource, clock: Arc<dyn Clock>) -> Result<(Self, Snapshot), RuntimeError> {
        let settings = source.settings()?;
        let client = AccountClient::connect(&settings, source.account_id.as_deref()).await?;
        let remote = Self { client, clock, changed: Notify::new() };
        let account = read::account(&remote.client, None, remote.clock.now()).await?;
        let first = remote.snapshot(Arc::new(account));
        Ok((remote, first))
    }

    fn snapshot(&self, account: Arc<AccountView>) -> Snapshot {
        Snapshot {
            taken_at: self.clock.now(),
            interval_ms: u64::try_from((PAUSE * 3).as_millis()).unwrap_or_default(),
            deployment: DeploymentView { account_url: Some(self.client.url().to_owned()), ..DeploymentView::default() },
            account,
            session: super::SessionView::default(),
            sandbox: None,
        }
    }

    /// Reads the account until the window is gone. What can't be read again is left as it was, and grows old visibly.
    async fn poll(&self, snapshots: watch::Sender<Arc<Snapshot>>, wake: impl Fn()) {
        let mut failures = 0_u32;
        loop {
            let before = snapshots.borrow().account.clone();
            let moving = before.groups.iter().any(|view| is_moving(view.group.state));
            let pause = match failures {
                0 if moving => BRISK,
                0 => PAUSE,
                failures => BACKOFF.drawn(failures),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.changed.notified() => {}
                () = snapshots.closed() => return,
            }
            match read::account(&self.client, Some(&before), self.clock.now()).await {
                Ok(account) => {
                    if failures > 0 {
                        tracing::info!(url = self.client.url(), "the account responds again");
                    }
                    failures = 0;
                    snapshots.send_replace(Arc::new(self.snapshot(Arc::new(account))));
                    wake();
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    log(failures, &error);
                    wake();
                }
            }
        }
    }

    /// Serves the window until it stops.
    pub async fn serve(
        self,
        mut asked: mpsc::Receiver<(IntentId, Intent)>,
        notices: mpsc::UnboundedSender<Notice>,
        snapshots: watch::Sender<Arc<Snapshot>>,
        wake: Arc<dyn Fn() + Send + Sync>,
        stopped: oneshot::Receiver<()>,
    ) {
        let remote = Arc::new(self);
        let (polled, woken) = (remote.clone(), wake.clone());
        let poller = tokio::spawn(async move { polled.poll(snapshots, move || woken()).await });
        let server = tokio::spawn(async move {
            while let Some((id, intent)) = asked.recv().await {
                let (remote, notices, wake) = (remote.clone(), notices.clone(), wake.clone());
                tokio::spawn(async move {
                    let outcome = act::perform(&remote.client, intent).await;
                    remote.changed.notify_one();
                    let _ = notices.send(Notice { intent: id, outcome });
                    wake();
                });
            }
        });
        let _ = stopped.await;
        server.abort();
        poller.abort();
        let _ = (server.await, poller.await);
    }
}

fn is_moving(state: GroupState) -> bool {
    !matches!(
        state,
        GroupState::Active | GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed
    )
}

/// One line for an outage, not one a try.
fn log(failures: u32, error: &ConnectError) {
    if failures == 1 {
        tracing::warn!(%error, "the account can't be read; trying again");
    }
}
