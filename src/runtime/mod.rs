//! The replication runtime on a tokio thread: intents in, snapshots and notices out.

mod bootstrap;
mod connections;
pub mod data_dir;
mod drill;
mod engine;
mod error;
mod history;
pub mod intent;
mod perform;
mod publish;
mod recorder;
mod remote;
mod rights;
mod session;
pub mod snapshot;
mod socket;
mod thread;

pub use bootstrap::{ReadyRegion, SandboxSource};
pub use connections::{Connection, ConnectionError, Connections, LoginSource, NewConnection, NewLogin};
pub use data_dir::DataDir;
pub use drill::{DrillReport, DrillStep, run_drill};
pub use engine::{Engine, EngineOptions, Ready};
pub use error::RuntimeError;
pub use history::GroupHistory;
pub use intent::{Intent, IntentError, IntentId, Notice, NoticeDetail};
pub use remote::{AccountLogin, AccountSource};
pub use session::SessionView;
pub use snapshot::{
    ConnectionView, DeploymentView, GatewayView, SandboxRegionView, SandboxView, Snapshot, SystemTablesView,
};
pub use socket::{PointAnswer, Question, VerifyAnswer, ask_running_instance};
pub use thread::RuntimeThread;
