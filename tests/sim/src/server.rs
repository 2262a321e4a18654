//! The simulator behind a loopback socket. The server implements the part of HTTP/1.1 that SDKs use.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::protocol::{Request, Response};
use crate::service::Reply;
use crate::sim::Sim;

/// Larger than any body that these operations accept.
const LARGEST_BODY: usize = 16 << 20;
/// Longer than the timeout of any client.
const NEVER: Duration = Duration::from_hours(1);

/// Listens on 127.0.0.1. Port 0 selects a free port. Returns the address and the future that serves connections.
///
/// # Errors
/// If the port is in use.
pub async fn listen(sim: Sim, port: u16) -> io::Result<(SocketAddr, impl Future<Output = ()>)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let serve = async move {
        loop {
            // A client may close a connection before the server accepts it.
            let Ok((stream, _)) = listener.accept().await else { continue };
            let sim = sim.clone();
            tokio::spawn(async move {
                let _ = serve(&sim, stream).await;
            });
        }
    };
    Ok((address, serve))
}

/// Serves the requests of one connection in order.
async fn serve(sim: &Sim, stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = receive(&mut stream).await? {
        match sim.answer(&request).await {
            Reply::Answer(answer) => send(&mut stream, &answer).await?,
            Reply::Lost => return Ok(()),
            Reply::Never => tokio::time::sleep(NEVER).await,
        }
    }
    Ok(())
}

/// Reads the next request; `None` if the client has closed the connection.
async fn receive(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut request = Request::default();
    let mut length = 0;
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => request.target = Some(value),
            "authorization" => request.authorization = value,
            "x-amz-security-token" => request.token = Some(value),
            "x-amz-date" => request.date = Some(value),
            "content-length" => length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?,
            _ => {}
        }
    }
    if length > LARGEST_BODY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

async fn send(stream: &mut BufReader<TcpStream>, answer: &Response) -> io::Result<()> {
    let Response { status, content_type, body } = answer;
    // A truncated body has the content length of the whole body, as after a failure of a proxy.
    let head = format!(
        "HTTP/1.1 {status} Simulated\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}
