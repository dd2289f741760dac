//! An HTTP server on loopback whose every answer the test decides, how it goes out included, and that
//! remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    /// What of the body was read.
    pub body: Vec<u8>,
}

impl Asked {
    /// `METHOD target`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What is sent back.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub manner: Manner,
}

/// How an answer goes out.
#[derive(Clone, Copy, Debug, Default)]
pub enum Manner {
    #[default]
    Whole,
    /// Not at all: the connection closes.
    Silent,
    /// The connection closes after so many bytes of the body.
    BrokenAfter(usize),
    /// In pieces, with pauses.
    Slow,
    /// The body begins again and again, until nobody reads it any more. No length is told.
    Endless,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media_type)
    }

    pub fn manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// Who answers.
pub trait Handler: Send + Sync + 'static {
    /// How many bytes of the body are read before the connection closes; of most, all.
    fn intake(&self, _: &Asked) -> Option<usize> {
        None
    }

    /// Hears of a request that broke off.
    fn broke_off(&self, _: &Asked) {}

    fn answer(&self, asked: &Asked) -> Answer;
}

/// A closure answers.
struct Closure<F>(F);

impl<F: Fn(&Asked) -> Answer + Send + Sync + 'static> Handler for Closure<F> {
    fn answer(&self, asked: &Asked) -> Answer {
        self.0(asked)
    }
}

/// A server that ends with the test.
pub struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::of(Arc::new(Closure(answer)))
    }

    pub fn of(handler: Arc<dyn Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Else every test would wait for an answer that cannot come.
        if let Err(cause) = TcpStream::connect(address) {
            panic!("loopback is not up, `ip link set lo up` sets it: {address}: {cause}");
        }
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let ended = Arc::new(AtomicBool::new(false));
        let (log, stop) = (Arc::clone(&asked), Arc::clone(&ended));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                // A client that goes away is part of some tests.
                thread::spawn(move || drop(serve(stream.unwrap(), &log, handler.as_ref())));
            }
        });
        Self { address, asked, ended, thread: Some(thread) }
    }

    /// `host:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Everything that was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The lines of everything that was asked.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Asked>>, handler: &dyn Handler) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(()) };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    let length: u64 = asked.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let intake = handler.intake(&asked).map_or(length, |bytes| length.min(bytes as u64));
    reader.take(intake).read_to_end(&mut asked.body)?;
    log.lock().unwrap().push(asked.clone());
    if asked.body.len() as u64 != length {
        // One of both broke off, so nobody is there to be told.
        handler.broke_off(&asked);
        return Ok(());
    }
    send(&mut stream, handler.answer(&asked), asked.method == "HEAD")
}

fn send(stream: &mut TcpStream, answer: Answer, is_head: bool) -> std::io::Result<()> {
    let Answer { status, headers, body, manner } = answer;
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    for (name, value) in &headers {
        head += &format!("{name}: {value}\r\n");
    }
    let is_told = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    if !is_told && !matches!(manner, Manner::Endless) {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    if let Manner::Silent = manner {
        return Ok(());
    }
    stream.write_all(head.as_bytes())?;
    if is_head {
        return stream.flush();
    }
    match manner {
        Manner::BrokenAfter(bytes) => stream.write_all(&body[..bytes.min(body.len())])?,
        Manner::Slow => {
            for piece in body.chunks(body.len().div_ceil(4).max(1)) {
                stream.write_all(piece)?;
                stream.flush()?;
                thread::sleep(Duration::from_millis(5));
            }
        }
        Manner::Endless => loop {
            stream.write_all(&body)?;
        },
        Manner::Whole | Manner::Silent => stream.write_all(&body)?,
    }
    stream.flush()
}
