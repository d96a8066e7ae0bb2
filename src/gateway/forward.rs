//! One request's way: to its gate, to a region, and the answer's way back.

use super::body::{Ended, Relayed, Reply};
use super::hold::{Holding, Patience};
use super::rescue::Rescue;
use super::route::{self, Found};
use super::sent::{Fate, Sent};
use super::upstream::{ConnectFault, Lease, Upstreams};
use super::{headers, tunnel};
use crate::net::{Arriving, Gate, Pass, Peer, RouteTable};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Uri, Version};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

/// What every request reaches.
pub struct Shared {
    /// Where stable URLs lead.
    pub routes: watch::Receiver<Arc<RouteTable>>,
    /// The connections to the regions.
    pub upstreams: Upstreams,
    /// Where requests wait.
    pub holding: Arc<Holding>,
    /// Streams that aren't requests any more.
    pub tunnels: tunnel::Tunnels,
    /// The domain whose names below it are stable URLs' ids.
    pub domain: String,
}

/// A request that found its stable URL.
struct Call {
    parts: Parts,
    peer: Peer,
    gate: Arc<Gate>,
    /// Whether sending it twice does no more than sending it once.
    repeatable: bool,
    /// The client's end, where it asks to go on with another protocol.
    upgrade: Option<hyper::upgrade::OnUpgrade>,
}

/// A region's answer with what it takes to hand it on.
type Answered = (Response<Incoming>, Lease, Pass, Arc<Fate>, Ended);

/// What came of sending a request once.
enum Attempt {
    /// The region answered.
    Answered(Box<Answered>),
    /// Not a byte was sent, so the body is here still.
    Unsent(Option<Arriving>, Rescue),
    /// As before, and another connection may do at once.
    Stale(Option<Arriving>),
    /// It may have been carried out.
    MaybeDone(Rescue),
    /// Nothing helps.
    Refused(Rescue),
}

impl Shared {
    /// Answers one request, by a region or by itself.
    pub async fn answer(&self, peer: Peer, mut request: Request<Arriving>) -> Response<Reply> {
        let begun = Instant::now();
        let upgrade = request.headers().contains_key(hyper::header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let found = headers::check(&parts).and_then(|()| route::find(&self.routes.borrow(), &parts, &self.domain));
        let Found { gate, by_query } = match found {
            Ok(found) => found,
            Err(rescue) => return rescue.answer(),
        };
        gate.traffic().came();
        let (agent, login) = headers::sender(&parts);
        gate.traffic().seen(agent, login);
        let body = Some(body).filter(|body| !body.is_end_stream());
        let repeatable = body.is_none() && parts.method.is_idempotent() && upgrade.is_none();
        let upgrade = upgrade.filter(|_| headers::upgrade(&parts).is_some());
        let call = Call { parts, peer, gate, repeatable, upgrade };
        let is_first_page = by_query && headers::is_page_view(&call.parts);
        let (stable_id, tls) = (call.gate.stable_workspace_id.clone(), peer.tls);
        let gate = call.gate.clone();
        let mut response = match self.carry_out(call, body).await {
            Ok(response) => response,
            Err(rescue) => rescue.answer(),
        };
        gate.traffic().answered(begun.elapsed(), response.status().is_server_error());
        if is_first_page {
            headers::set_cookie(response.headers_mut(), &stable_id, tls);
        }
        response
    }

    async fn carry_out(&self, mut call: Call, mut body: Option<Arriving>) -> Result<Response<Reply>, Rescue> {
        let mut patience = self.holding.patience(&call.gate, size(&call.parts));
        loop {
            let pass = patience.pass().await?;
            match self.attempt(&call, pass, body.take()).await {
                Attempt::Answered(answered) => {
                    return Ok(self.relay(&mut call, *answered));
                }
                Attempt::Unsent(kept, rescue) => {
                    body = kept;
                    patience.retry(rescue).await?;
                }
                Attempt::Stale(kept) => body = kept,
                Attempt::MaybeDone(rescue) if call.repeatable => self.retry(&mut patience, rescue).await?,
                Attempt::MaybeDone(rescue) | Attempt::Refused(rescue) => return Err(rescue),
            }
        }
    }

    async fn retry(&self, patience: &mut Patience, rescue: Rescue) -> Result<(), Rescue> {
        // It does no harm twice, so the client may send it again too.
        let region = match rescue {
            Rescue::MaybeDone { region } => region,
            other => return Err(other),
        };
        patience.retry(Rescue::Unreachable { region }).await
    }

    /// Sends the request to where its pass leads, once.
    async fn attempt(&self, call: &Call, pass: Pass, body: Option<Arriving>) -> Attempt {
        let target = pass.target.clone();
        let region = || target.region.clone();
        let mut ended: Ended = Box::pin(pass.when_ended());
        let leased = tokio::select! {
            leased = self.upstreams.lease(&target) => leased,
            () = &mut ended => return Attempt::Stale(body),
        };
        let mut lease = match leased {
            Ok(lease) => lease,
            Err(ConnectFault::Away(error)) => {
                tracing::debug!(region = target.region, %error, "can't connect to a region");
                return Attempt::Unsent(body, Rescue::Unreachable { region: region() });
            }
            Err(ConnectFault::Untrusted(problem)) => {
                return Attempt::Refused(Rescue::Untrusted { region: region(), problem });
            }
        };
        if !pass.is_current() {
            return Attempt::Stale(body);
        }
        let (sent, fate) = Sent::new(body);
        let mut request = Request::new(sent);
        *request.method_mut() = call.parts.method.clone();
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = Uri::from(route::target(&call.parts, &call.gate.stable_workspace_id, &target));
        *request.headers_mut() = headers::request(&call.parts, call.peer, &target, &call.gate.stable_workspace_id);
        if !request.body().is_end_stream() && !request.headers().contains_key(CONTENT_LENGTH) {
            // Said here, because a GET's body is left out where its length is unknown.
            request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let sending = tokio::select! {
            sending = lease.send(request) => sending,
            () = &mut ended => return Attempt::MaybeDone(Rescue::MaybeDone { region: region() }),
        };
        match sending {
            Ok(response) => {
                if !pass.is_current() {
                    pass.gate().traffic().late();
                }
                Attempt::Answered(Box::new((response, lease, pass, fate, ended)))
            }
            Err(mut failed) => match failed.take_message() {
                Some(unsent) if lease.reused => Attempt::Stale(unsent.into_body().take()),
                Some(unsent) => Attempt::Unsent(unsent.into_body().take(), Rescue::Unreachable { region: region() }),
                None if fate.is_broken() => Attempt::Refused(Rescue::BadBody),
                None => {
                    tracing::debug!(region = target.region, error = %failed.error(), "a region broke off");
                    Attempt::MaybeDone(Rescue::MaybeDone { region: region() })
                }
            },
        }
    }

    /// Hands a region's answer on.
    fn relay(&self, call: &mut Call, (mut response, lease, pass, fate, ended): Answered) -> Response<Reply> {
        let target = pass.target.clone();
        let switching = (response.status() == StatusCode::SWITCHING_PROTOCOLS)
            .then(|| call.upgrade.take().zip(headers::protocol(response.headers())))
            .flatten();
        let region_end = switching.is_some().then(|| hyper::upgrade::on(&mut response));
        let (mut parts, body) = response.into_parts();
        let origin = || {
            let scheme = if call.peer.tls { "https" } else { "http" };
            route::host(&call.parts).map(|host| format!("{scheme}://{host}"))
        };
        headers::response(&mut parts.headers, &target, &call.gate.stable_workspace_id, origin);
        parts.version = Version::HTTP_11;
        if let (Some((client_end, protocol)), Some(region_end)) = (switching, region_end) {
            parts.headers.insert(hyper::header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(hyper::header::UPGRADE, protocol);
            self.tunnels.open(client_end, region_end, lease.into_driver(), pass);
            return Response::from_parts(parts, Reply::whole(String::new()));
        }
        let may_end =
            parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        Response::from_parts(parts, Reply::Relayed(Box::new(Relayed::new(body, pass, lease, fate, ended, may_end))))
    }
}

/// About the memory that a waiting request takes.
fn size(parts: &Parts) -> usize {
    let fields: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    fields + target + 1024
}
