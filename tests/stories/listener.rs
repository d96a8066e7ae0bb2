//! A webhook on this machine that keeps what it is told.

use serde_json::Value;
use std::collections::VecDeque;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A webhook and what it hears.
pub struct Listener {
    pub url: String,
    pub heard: mpsc::UnboundedReceiver<Value>,
}

impl Listener {
    /// One that answers with these statuses, and with 200 after them.
    pub async fn answering(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook?secret=5ecret", listener.local_addr().expect("an address"));
        let (told, heard) = mpsc::unbounded_channel();
        let mut statuses: VecDeque<u16> = statuses.iter().copied().collect();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
                loop {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    bytes.extend_from_slice(&buffer[..read]);
                    let text = String::from_utf8_lossy(&bytes);
                    let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
                    if let Some(body) = body {
                        let _ = told.send(body);
                        break;
                    }
                    if read == 0 {
                        break;
                    }
                }
                let status = statuses.pop_front().unwrap_or(200);
                let head = match status {
                    302 => "location: http://127.0.0.1:1/\r\n",
                    _ => "",
                };
                let answer = format!("HTTP/1.1 {status} X\r\n{head}content-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, heard }
    }

    pub async fn new() -> Self {
        Self::answering(&[]).await
    }

    /// The next thing that it is told.
    pub async fn next(&mut self) -> Value {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), self.heard.recv()).await;
        next.expect("told within a minute").expect("the listener lives")
    }

    /// The next thing that it is told of this event; what comes before is passed over.
    pub async fn next_of(&mut self, event: &str) -> Value {
        loop {
            let next = self.next().await;
            if next["event"] == event {
                return next;
            }
        }
    }
}
