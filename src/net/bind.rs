//! Which port a server listens on.

use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// First ports are taken from here, below those that the system gives to a client's end of a connection: one of those
/// may be in use when the server starts the next time.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Ports of that range that are tried before the system chooses one.
const TRIES: usize = 50;

/// Binds `asked`. Where its port is 0, takes `last`, the port of the last time, if that is free, else another one.
pub async fn bind(asked: SocketAddr, last: Option<u16>) -> io::Result<TcpListener> {
    if asked.port() == 0 {
        let fresh = std::iter::repeat_with(|| rand::random_range(PORTS)).take(TRIES);
        for port in last.into_iter().chain(fresh) {
            if let Ok(listener) = TcpListener::bind(SocketAddr::new(asked.ip(), port)).await {
                return Ok(listener);
            }
        }
    }
    TcpListener::bind(asked).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_port_of_the_last_time_is_taken_again_where_it_is_free() {
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let first = bind(any, None).await.expect("a free port");
        let port = first.local_addr().expect("bound").port();
        assert!(PORTS.contains(&port), "{port} could be a client's");
        let other = bind(any, Some(port)).await.expect("another free port");
        assert_ne!(other.local_addr().expect("bound").port(), port);
        drop(first);
        let again = bind(any, Some(port)).await.expect("free again");
        assert_eq!(again.local_addr().expect("bound").port(), port);
        let taken = bind(SocketAddr::new(any.ip(), port), None).await;
        assert!(taken.is_err(), "a port that was asked for is that one or an error");
    }
}
