//! Publishing snapshots: coalesced, whole, and only when something changed.

use super::session::Session;
use super::{DeploymentView, SandboxRegionView, SandboxView, Snapshot, SystemTablesView};
use crate::control::Control;
use crate::domain::Region;
use crate::sandbox::Sandbox;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Changes closer together than this are published as one.
const COALESCE: Duration = Duration::from_millis(40);
/// The longest time between two snapshots.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The picture now.
pub fn snapshot(
    control: &Control,
    session: &Session,
    sandbox: Option<&Sandbox>,
    deployment: &DeploymentView,
) -> Snapshot {
    Snapshot {
        taken_at: control.now(),
        interval_ms: HEARTBEAT.as_millis() as u64,
        deployment: deployment.clone(),
        account: Arc::new(control.view()),
        session: session.view(),
        sandbox: sandbox.map(|sandbox| Arc::new(sandbox_view(sandbox))),
    }
}

fn sandbox_view(sandbox: &Sandbox) -> SandboxView {
    let status = sandbox.status();
    let regions = sandbox.regions().into_iter().map(|region| {
        let known = status.iter().find(|s| s.region == region.region);
        SandboxRegionView {
            up: known.is_none_or(|s| s.up),
            commits: known.map_or(0, |s| s.commits),
            clients: known.map(|s| s.clients.clone()).unwrap_or_default(),
            region: Region::new(region.region),
            workspace_url: region.workspace_url,
            storage_root: region.storage_root,
        }
    });
    SandboxView { regions: regions.collect() }
}

/// Publishes until the receiver side of `snapshots` is gone.
///
/// `wake` is called after a change; a heartbeat replaces the snapshot without waking anybody, so that an idle window
/// stays asleep and still finds fresh news when it looks.
pub async fn publish(
    control: Control,
    session: Arc<Session>,
    sandbox: Option<Arc<Sandbox>>,
    mut deployment: DeploymentView,
    mut system_tables: watch::Receiver<SystemTablesView>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    wake: impl Fn() + Send + 'static,
) {
    let (mut changes, mut faults) = (control.changes(), sandbox.as_ref().map(|sandbox| sandbox.changes()));
    loop {
        let changed = tokio::select! {
            news = changes.changed() => news.is_ok(),
            news = fault(&mut faults) => news,
            Ok(()) = system_tables.changed() => true,
            () = tokio::time::sleep(HEARTBEAT) => false,
            () = snapshots.closed() => return,
        };
        if changed {
            tokio::time::sleep(COALESCE).await;
            changes.mark_unchanged();
            if let Some(faults) = &mut faults {
                faults.mark_unchanged();
            }
        }
        deployment.system_tables = system_tables.borrow_and_update().clone();
        snapshots.send_replace(Arc::new(snapshot(&control, &session, sandbox.as_deref(), &deployment)));
        if changed {
            wake();
        }
    }
}

/// Waits for the sandbox's next fault or repair; without a sandbox there is none.
async fn fault(faults: &mut Option<watch::Receiver<u64>>) -> bool {
    match faults {
        Some(faults) => faults.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
