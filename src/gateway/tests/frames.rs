//! HTTP/2 frame by frame, for what a conformance tool would ask: each case is of a section of RFC 9113 and sends what no good client
//! sends. The gateway must name the error or close, and must go on otherwise.

use super::{Region, Served};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const COMPRESSION: u32 = 9;

/// What a case must come to.
#[derive(Debug)]
enum Wanted {
    /// The connection goes on: a PING that follows is answered.
    Alive,
    /// Stream 1 is answered with 200.
    Answered,
    /// The stream or the connection ends, with one of these errors where it says why.
    Error(&'static [u32]),
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Fields without compression.
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

const GET: [(&str, &str); 4] =
    [(":method", "GET"), (":scheme", "http"), (":path", "/x"), (":authority", "shop.localhost")];
const POST: [(&str, &str); 4] =
    [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "shop.localhost")];

fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&GET))
}

fn with(more: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&[&GET, more].concat()))
}

fn without(name: &str) -> Vec<u8> {
    let fields: Vec<_> = GET.into_iter().filter(|(one, _)| *one != name).collect();
    frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields))
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

fn post(then: &[Vec<u8>]) -> Vec<u8> {
    [frame(HEADERS, END_HEADERS, 1, &block(&POST)), then.concat()].concat()
}

/// Section, what it is about, what is sent, what must come of it.
fn cases() -> Vec<(&'static str, Vec<u8>, Wanted)> {
    use Wanted::{Alive, Answered, Error};
    let long = vec![0; 16_385];
    vec![
        ("4.1 a frame of an unknown kind is passed over", frame(0x99, 0xff, 0, b"abc"), Alive),
        ("4.1 flags without a meaning are passed over", frame(PING, 0x16, 0, &[7; 8]), Alive),
        ("4.1 the reserved bit is passed over", frame(PING, 0, 0x8000_0000, &[7; 8]), Alive),
        ("4.2 a frame that is too long", post(&[frame(DATA, END_STREAM, 1, &long)]), Error(&[FRAME_SIZE])),
        (
            "4.3 a block that can't be read",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 9]),
            Error(&[COMPRESSION]),
        ),
        ("5.1 DATA on an idle stream", frame(DATA, END_STREAM, 1, b"x"), Error(&[PROTOCOL, CLOSED])),
        ("5.1 RST_STREAM on an idle stream", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), Error(&[PROTOCOL])),
        ("5.1 WINDOW_UPDATE on an idle stream", frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 8]), Error(&[PROTOCOL])),
        ("5.1 CONTINUATION on an idle stream", frame(CONTINUATION, END_HEADERS, 1, &block(&GET)), Error(&[PROTOCOL])),
        ("5.1 DATA after the end of a stream", [get(1), frame(DATA, END_STREAM, 1, b"x")].concat(), Error(&[CLOSED])),
        ("5.1 HEADERS after the end of a stream", [get(1), get(1)].concat(), Error(&[CLOSED, PROTOCOL])),
        ("5.1.1 a client's stream with an even number", get(2), Error(&[PROTOCOL])),
        ("5.1.1 a stream with a smaller number", [get(5), get(3)].concat(), Error(&[PROTOCOL, CLOSED])),
        ("5.3 PRIORITY on an idle stream", frame(PRIORITY, 0, 3, &[0, 0, 0, 1, 9]), Alive),
        ("6.1 DATA on stream 0", frame(DATA, 0, 0, b"x"), Error(&[PROTOCOL])),
        (
            "6.1 padding as long as the frame",
            post(&[frame(DATA, END_STREAM | PADDED, 1, &[9, 1, 1])]),
            Error(&[PROTOCOL]),
        ),
        ("6.2 HEADERS on stream 0", frame(HEADERS, END_STREAM | END_HEADERS, 0, &block(&GET)), Error(&[PROTOCOL])),
        (
            "6.2 another frame within a block",
            [frame(HEADERS, END_STREAM, 1, &block(&GET)), frame(PING, 0, 0, &[0; 8])].concat(),
            Error(&[PROTOCOL]),
        ),
        (
            "6.2 another stream within a block",
            [frame(HEADERS, END_STREAM, 1, &block(&GET)), get(3)].concat(),
            Error(&[PROTOCOL]),
        ),
        ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 9]), Error(&[PROTOCOL])),
        ("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, &[0, 0, 0, 8]), Error(&[PROTOCOL])),
        ("6.4 RST_STREAM of three bytes", [get(1), frame(RST_STREAM, 0, 1, &[0; 3])].concat(), Error(&[FRAME_SIZE])),
        ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, &[0, 3, 0, 0, 0, 100]), Error(&[PROTOCOL])),
        ("6.5 SETTINGS of five bytes", frame(SETTINGS, 0, 0, &[0; 5]), Error(&[FRAME_SIZE])),
        ("6.5 an acknowledgement that says more", frame(SETTINGS, ACK, 0, &[0, 3, 0, 0, 0, 100]), Error(&[FRAME_SIZE])),
        ("6.5.2 ENABLE_PUSH of 2", setting(2, 2), Error(&[PROTOCOL])),
        ("6.5.2 INITIAL_WINDOW_SIZE over its most", setting(4, 0x8000_0000), Error(&[FLOW_CONTROL])),
        ("6.5.2 MAX_FRAME_SIZE below its least", setting(5, 16_383), Error(&[PROTOCOL])),
        ("6.5.2 MAX_FRAME_SIZE over its most", setting(5, 1 << 24), Error(&[PROTOCOL])),
        ("6.5.2 an unknown setting is passed over", setting(0xff, 1), Alive),
        ("6.6 a client pushes", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]), Error(&[PROTOCOL])),
        ("6.7 PING on a stream", frame(PING, 0, 1, &[0; 8]), Error(&[PROTOCOL])),
        ("6.7 PING of six bytes", frame(PING, 0, 0, &[0; 6]), Error(&[FRAME_SIZE])),
        ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, &[0; 8]), Error(&[PROTOCOL])),
        ("6.9 WINDOW_UPDATE by nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4]), Error(&[PROTOCOL])),
        ("6.9 WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, &[0; 3]), Error(&[FRAME_SIZE])),
        (
            "6.9.1 a window over its most",
            [frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255]), frame(WINDOW_UPDATE, 0, 0, &[0x7f, 255, 255, 255])]
                .concat(),
            Error(&[FLOW_CONTROL]),
        ),
        (
            "6.10 a block in pieces",
            {
                let all = block(&GET);
                let (first, rest) = all.split_at(9);
                [frame(HEADERS, END_STREAM, 1, first), frame(CONTINUATION, END_HEADERS, 1, rest)].concat()
            },
            Answered,
        ),
        (
            "6.10 CONTINUATION after the block's end",
            [get(1), frame(CONTINUATION, END_HEADERS, 1, &[])].concat(),
            Error(&[PROTOCOL, CLOSED]),
        ),
        ("8.1 a good request", get(1), Answered),
        ("8.2.1 a name in upper case", with(&[("X-Upper", "a")]), Error(&[PROTOCOL])),
        ("8.2.1 a value with a line end", with(&[("x-a", "b\r\nx-c: d")]), Error(&[PROTOCOL])),
        ("8.2.2 a field about the connection", with(&[("connection", "keep-alive")]), Error(&[PROTOCOL])),
        ("8.2.2 another field about the connection", with(&[("transfer-encoding", "chunked")]), Error(&[PROTOCOL])),
        ("8.2.2 TE with more than trailers", with(&[("te", "trailers, deflate")]), Error(&[PROTOCOL])),
        ("8.3 an unknown pseudo field", with(&[(":test", "a")]), Error(&[PROTOCOL])),
        ("8.3 a pseudo field of answers", with(&[(":status", "200")]), Error(&[PROTOCOL])),
        (
            "8.3 a pseudo field behind others",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&[GET[0], GET[1], ("x-a", "b"), GET[2], GET[3]])),
            Error(&[PROTOCOL]),
        ),
        ("8.3.1 no method", without(":method"), Error(&[PROTOCOL])),
        ("8.3.1 no scheme", without(":scheme"), Error(&[PROTOCOL])),
        ("8.3.1 no path", without(":path"), Error(&[PROTOCOL])),
        ("8.3.1 two paths", with(&[(":path", "/y")]), Error(&[PROTOCOL])),
        (
            "8.1.1 a body shorter than its length",
            frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&[&POST[..], &[("content-length", "5")]].concat())),
            Error(&[PROTOCOL]),
        ),
        (
            "8.1.1 a body longer than its length",
            [
                frame(HEADERS, END_HEADERS, 1, &block(&[&POST[..], &[("content-length", "1")]].concat())),
                frame(DATA, END_STREAM, 1, b"xy"),
            ]
            .concat(),
            Error(&[PROTOCOL]),
        ),
    ]
}

/// What came back, until the connection closed or fell silent.
#[derive(Debug, Default)]
struct Came {
    /// Errors of streams and of the connection.
    errors: Vec<u32>,
    answered: bool,
    pinged: bool,
    closed: bool,
}

/// What the PING holds that is sent last.
const LAST: [u8; 8] = *b"the last";

async fn say(served: &Served, bytes: &[u8]) -> Came {
    let mut stream = TcpStream::connect(served.address()).await.expect("connects");
    let opening = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(SETTINGS, 0, 0, &[])].concat();
    stream.write_all(&opening).await.expect("sent");
    // It may refuse and close before all is written.
    let _ = stream.write_all(&[bytes, &frame(PING, 0, 0, &LAST)].concat()).await;
    let mut came = Came::default();
    loop {
        let read = async {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut payload).await?;
            std::io::Result::Ok((head, payload))
        };
        let Ok(read) = tokio::time::timeout(Duration::from_millis(400), read).await else { return came };
        let Ok((head, payload)) = read else {
            came.closed = true;
            return came;
        };
        let number = |at: usize| u32::from_be_bytes([payload[at], payload[at + 1], payload[at + 2], payload[at + 3]]);
        match head[3] {
            RST_STREAM => came.errors.push(number(0)),
            GOAWAY => came.errors.push(number(4)),
            PING => came.pinged |= payload == LAST,
            // An indexed `:status: 200`.
            HEADERS => came.answered |= payload.first() == Some(&0x88),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_break_a_rule_end_their_stream_or_connection_and_the_others_pass() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let cases = cases();
    let came = futures::future::join_all(cases.iter().map(|(_, bytes, _)| say(&served, bytes))).await;
    let mut wrong = Vec::new();
    for ((about, _, wanted), came) in cases.iter().zip(came) {
        // An error of 0 takes a connection's leave.
        let errors: Vec<u32> = came.errors.iter().copied().filter(|error| *error != 0).collect();
        let is_right = match wanted {
            Wanted::Alive => came.pinged && errors.is_empty() && !came.closed,
            Wanted::Answered => came.answered && errors.is_empty(),
            Wanted::Error(allowed) => {
                // The general error may stand for each of the others.
                let is_named = |error: &u32| *error == PROTOCOL || allowed.contains(error);
                (came.closed || !errors.is_empty()) && errors.iter().all(is_named)
            }
        };
        if !is_right {
            wrong.push(format!("{about}: wanted {wanted:?}, and {came:?} came"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_opens_and_resets_streams_or_never_ends_a_block_is_cut_off() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let resets: Vec<u8> = (0..20_000u32)
        .flat_map(|n| [get(2 * n + 1), frame(RST_STREAM, 0, 2 * n + 1, &[0, 0, 0, 8])].concat())
        .collect();
    let came = say(&served, &resets).await;
    assert!(came.closed, "{came:?}");
    let mut endless = frame(HEADERS, END_STREAM, 1, &block(&GET));
    for _ in 0..20_000 {
        endless.extend(frame(CONTINUATION, 0, 1, &block(&[("x-a", "b")])));
    }
    let came = say(&served, &endless).await;
    assert!(came.closed, "{came:?}");
    assert_eq!(served.get("/x").await.status(), 200, "others are served");
}
