//! A server that speaks S3 and checks signatures, and a relay in front of it that does what networks do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tokio::runtime::{Builder, Runtime};
use verismo_engine::Remote;

/// The bucket that is there.
pub const BUCKET: &str = "bucket";

pub struct Server {
    root: tempfile::TempDir,
    at: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// With one bucket, and one pair of keys.
    pub fn start() -> Self {
        Self::with_keys(Some(SimpleAuth::from_single("key", "secret")))
    }

    /// With one bucket that is open to everybody, and to the token of [`google`].
    pub fn open_to_all() -> Self {
        Self::with_keys(None)
    }

    fn with_keys(keys: Option<SimpleAuth>) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        let is_open = keys.is_none();
        if let Some(keys) = keys {
            builder.set_auth(keys);
        }
        let service = builder.build();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let at = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                let service = service_fn(move |mut request: Request<Incoming>| {
                    // Tokens of another cloud are not for this server to know.
                    let is_token = |value: &HeaderValue| value.as_bytes() == b"Bearer token";
                    if is_open && request.headers().get(AUTHORIZATION).is_some_and(is_token) {
                        request.headers_mut().remove(AUTHORIZATION);
                    }
                    let service = service.clone();
                    async move { service.call(request.map(s3s::Body::from)).await }
                });
                tokio::spawn(async move {
                    let http = auto::Builder::new(TokioExecutor::new());
                    let _broken = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { root, at, _runtime: runtime }
    }

    /// Objects as files.
    pub fn objects(&self) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut folders = vec![self.root.path().join(BUCKET)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { all.push(path) }
            }
        }
        all.sort();
        all
    }

    pub fn remote(&self) -> Remote {
        remote(self.at, "secret", Duration::from_secs(20))
    }

    pub fn at(&self) -> SocketAddr {
        self.at
    }
}

/// The store under `states` in the bucket of a server.
pub fn remote(at: SocketAddr, secret: &str, patience: Duration) -> Remote {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", secret),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &format!("http://{at}")),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Remote::new(&format!("s3://{BUCKET}/states"), variables, patience).unwrap()
}

/// The same bucket, asked as Google Cloud Storage is: its XML interface is that of S3, but for who asks.
pub fn google(at: SocketAddr) -> Remote {
    let variables = [("GOOGLE_BASE_URL", format!("http://{at}")), ("GOOGLE_BEARER_TOKEN", "token".to_owned())];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    Remote::new(&format!("gs://{BUCKET}/states"), variables, Duration::from_secs(20)).unwrap()
}

/// What a connection meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 503, and the end.
    Busy,
    /// So many bytes of answers, then the end.
    Cut(usize),
    /// No answer.
    Deaf,
    /// Answers, each so many milliseconds late.
    Far(u64),
}

pub struct Relay {
    at: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Relay {
    /// The first connections of each number meet a trouble; those after them meet none.
    pub fn start(server: SocketAddr, troubles: impl IntoIterator<Item = (usize, Trouble)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let troubles: Vec<Trouble> = troubles.into_iter().flat_map(|(n, trouble)| vec![trouble; n]).collect();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let trouble = troubles.get(counted.fetch_add(1, Ordering::Relaxed)).copied();
                std::thread::spawn(move || {
                    let _broken = relay(client, server, trouble);
                });
            }
        });
        Self { at, connections }
    }

    pub fn remote(&self, patience: Duration) -> Remote {
        remote(self.at, "secret", patience)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

fn relay(mut client: TcpStream, server: SocketAddr, trouble: Option<Trouble>) -> std::io::Result<()> {
    match trouble {
        Some(Trouble::Busy) => {
            swallow(&mut client)?;
            client.write_all(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
            return client.shutdown(Shutdown::Write);
        }
        Some(Trouble::Deaf) => {
            std::io::copy(&mut client, &mut std::io::sink())?;
            return Ok(());
        }
        _ => {}
    }
    let server = TcpStream::connect(server)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _broken = std::io::copy(&mut from_client, &mut to_server);
        let _gone = to_server.shutdown(Shutdown::Write);
    });
    let mut left = if let Some(Trouble::Cut(n)) = trouble { n } else { usize::MAX };
    let (mut server, mut buffer) = (server, vec![0; 1 << 18]);
    while left > 0 {
        let n = server.read(&mut buffer)?.min(left);
        if n == 0 {
            break;
        }
        if let Some(Trouble::Far(ms)) = trouble {
            std::thread::sleep(Duration::from_millis(ms));
        }
        client.write_all(&buffer[..n])?;
        left -= n;
    }
    let _gone = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
    Ok(())
}

/// Reads one request: its head, and as much of a body as that says.
fn swallow(client: &mut TcpStream) -> std::io::Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte)? > 0 {
        head.push(byte[0].to_ascii_lowercase());
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    std::io::copy(&mut client.take(length), &mut std::io::sink())?;
    Ok(())
}
