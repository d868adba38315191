//! An accepted connection after its handshake.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream as Inner;
use webpki::EndEntityCert;

use super::Alpn;

/// A connection whose bytes are encrypted. What was written is sent for certain only after a flush.
///
/// A client that closes without saying so within TLS (`close_notify`) has closed, as one without TLS that closes: many
/// never say it, and each protocol knows by itself whether a request is whole.
#[derive(Debug)]
pub struct TlsStream(pub(super) Inner<TcpStream>);

impl TlsStream {
    /// The protocol that was agreed on; None if the client or the listener named nothing.
    pub fn alpn(&self) -> Option<Alpn> {
        let agreed = self.0.get_ref().1.alpn_protocol()?;
        Alpn::ALL
            .into_iter()
            .find(|known| known.name().as_bytes() == agreed)
    }

    /// The name of the server that the client asked for (SNI), in lower case.
    pub fn sni(&self) -> Option<&str> {
        self.0.get_ref().1.server_name()
    }

    /// The names in the client's certificate, which the handshake has verified: the URIs of its subject's alternative
    /// names, and then the DNS names. None without a certificate.
    pub fn identities(&self) -> Vec<String> {
        let certificates = self.0.get_ref().1.peer_certificates();
        let certificate = certificates.and_then(<[_]>::first);
        let parsed = certificate.map(EndEntityCert::try_from);
        let Some(Ok(certificate)) = parsed else {
            return Vec::new();
        };
        let uris = certificate.valid_uri_names();
        let names = uris.chain(certificate.valid_dns_names());
        names.map(str::to_owned).collect()
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut Inner<TcpStream>> {
        Pin::new(&mut self.get_mut().0)
    }
}

fn is_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.inner().poll_read(cx, buf) {
            Poll::Ready(Err(error)) if is_end(&error) => Poll::Ready(Ok(())),
            other => other,
        }
    }
}

impl AsyncBufRead for TlsStream {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        match self.inner().poll_fill_buf(cx) {
            Poll::Ready(Err(error)) if is_end(&error) => Poll::Ready(Ok(&[])),
            other => other,
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.inner().consume(amount);
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
