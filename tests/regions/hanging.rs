//! A region that accepts connections and never answers: what the running engine says of it, and how soon.

use super::double::Double;
use super::failing_over::{commit, engine, protect, token, until};
use resilience::domain::{GroupId, GroupState, Region};
use resilience::runtime::{Engine, Intent};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An outage is known everywhere within this.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

/// A line to a region. While it hangs, it takes connections and whatever is sent, and nothing ever comes back.
struct Line {
    port: u16,
    hangs: watch::Sender<bool>,
}

impl Line {
    async fn to(upstream: &str) -> Self {
        let url = url::Url::parse(upstream).expect("a URL");
        let to = ("127.0.0.1", url.port().expect("a port"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let hangs = watch::Sender::new(false);
        let state = hangs.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to, state.subscribe()));
            }
        });
        Self { port, hangs }
    }
}

async fn carry(mut client: TcpStream, to: (&'static str, u16), mut hangs: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(to).await.expect("the region is there");
    let (mut asked, mut answered) = ([0; 8192], [0; 8192]);
    loop {
        let passes = !*hangs.borrow_and_update();
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(0) | Err(_) => return,
                Ok(count) if passes => if server.write_all(&asked[..count]).await.is_err() { return },
                Ok(_) => {}
            },
            read = server.read(&mut answered), if passes => match read {
                Ok(0) | Err(_) => return,
                Ok(count) => if client.write_all(&answered[..count]).await.is_err() { return },
            },
            changed = hangs.changed() => if changed.is_err() { return },
        }
    }
}

async fn until_away(engine: &Engine, is_away: bool) -> Duration {
    let (begun, region) = (Instant::now(), Region::new("east"));
    let mut changes = engine.control().changes();
    let shown = |engine: &Engine| {
        let view = engine.control().view();
        view.regions.iter().find(|r| r.name == region).expect("listed").unreachable_since.is_some()
    };
    while shown(engine) != is_away {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never showed");
        let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_hangs_does_not_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let east = Double::serve("east", 11, dir.path()).await;
    let west = Double::serve("west", 22, dir.path()).await;
    commit(&east.make_managed("shop.sales.orders"), 0);
    let line = Line::to(&east.url).await;
    let url = format!("http://127.0.0.1:{}/?o=11", line.port);
    let engine = engine(dir.path(), [("east", &url, token()), ("west", &west.url, token())]).await;
    let managed = format!("file://{}/managed", east.folder().display());
    protect(&engine, &[("managed", managed, west.lake())]).await;
    until(&engine, "ACTIVE", |group, _| group.state == GroupState::Active).await;
    let id = GroupId::new("shop").expect("an id");
    let ask = async || {
        let begun = Instant::now();
        engine.perform("console", Intent::EstimateLoss { id: id.clone() }).await.expect("answered");
        let loss = engine.control().view().groups.first().expect("listed").loss_estimate.clone();
        (loss, begun.elapsed())
    };
    let (loss, _) = ask().await;
    assert!(loss.unknown.is_empty() && loss.commits == Some(0), "{loss:?}");

    line.hangs.send_replace(true);
    // The dialog opens at once, before the outage is known.
    let ((loss, took), known) = tokio::join!(ask(), until_away(&engine, true));
    assert!(known <= KNOWN_WITHIN, "known after {known:?}");
    assert!(took <= Duration::from_secs(3), "the dialog had its figures after {took:?}");
    assert!(loss.asking.is_none() && loss.as_of.is_some(), "what the last look knew: {loss:?}");

    line.hangs.send_replace(false);
    let back = until_away(&engine, false).await;
    assert!(back <= KNOWN_WITHIN, "back after {back:?}");
    engine.stop().await;
}
