//! What every server and client of HTTP here rests on: ports, TLS, room for connections, the loop that serves them, bodies within
//! limits, waits between tries, one way to make a client; and the gates by which a failover steers the gateway.

#[macro_use]
mod forward;

mod arriving;
mod backoff;
mod bind;
mod body;
mod client;
mod connections;
mod descriptors;
mod exchange;
mod gate;
mod head;
mod heads;
mod moved_ids;
mod park;
mod peer;
mod preface;
mod public_address;
mod seen;
mod serve;
mod stall;
mod talk;
mod threads;
mod tls;
mod traffic;

pub use arriving::Arriving;
pub use backoff::Backoff;
pub use bind::bind;
pub use body::{BodyFault, BodyLimits, BodyRoom};
pub use client::{HttpClient, is_loopback};
pub use connections::{Connection, Connections};
pub use descriptors::{most_connections, raise_descriptor_limit};
pub use exchange::TokenExchange;
pub use gate::{Admission, Entry, Gate, GateState, Pass, RouteTable, Target, Waiting, host_label};
pub use head::ambiguity;
pub use heads::TwoLengths;
pub use moved_ids::{IdPair, MovedIds};
pub use peer::Peer;
pub use public_address::is_public;
pub use seen::{LoginKind, SeenClient};
pub use serve::{Stop, routed, serve};
pub use talk::{Answer, Answers, LocalAddress, ServeLimits};
pub use threads::ServeThreads;
pub use tls::{TlsError, TlsFiles};
pub use traffic::{Switch, Traffic, TrafficView};
