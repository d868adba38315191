//! nginx: HTTP by its own modules, all else by `stream`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::process::Signal;

use super::{Command, Drain, Driver, LIMIT, Level, Setup, is_http};
use crate::grade::case::{Need, Protocol};
use crate::grade::tongue::Tongue;

pub(super) struct Nginx {
    pub(super) program: PathBuf,
    /// What makes it relay TCP.
    pub(super) module: PathBuf,
    pub(super) libraries: OsString,
}

/// What `folder` holds are its temporary files, which it would put under /var else.
fn http(setup: &Setup, folder: &Path, listen: &str, location: &str) -> String {
    let folder = folder.display();
    let head = setup.head.as_secs();
    let limit = setup.limit.unwrap_or(LIMIT);
    let backend = setup.backend;
    format!(
        "\
http {{
  access_log off;
  keepalive_timeout 60s;
  client_header_timeout {head}s;
  client_max_body_size {limit};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream one {{ server {backend}; keepalive 64; }}
  server {{ listen {listen}; location / {{ {location} }} }}
}}
"
    )
}

impl Driver for Nginx {
    fn name(&self) -> &str {
        "nginx"
    }

    fn level(&self, protocol: Protocol) -> Level {
        match protocol {
            Protocol::Dubbo | Protocol::Bolt | Protocol::Thrift => Level::Bytes,
            _ => Level::Messages,
        }
    }

    fn lacks(&self, _need: Need) -> Option<&'static str> {
        None
    }

    /// HTTP/2 without TLS and HTTP/1.1 exclude each other on a port before its 1.25.
    fn sniffs(&self, protocols: &[Protocol]) -> bool {
        matches!(protocols, [only] if is_http(*only))
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command> {
        let Setup {
            listen, backend, ..
        } = setup;
        let proxy = match setup.proxy_header {
            true => " proxy_protocol",
            false => "",
        };
        let timeout = setup.timeout.as_millis();
        let spoken = setup.protocols().first().copied();
        let server = match spoken.filter(|protocol| is_http(*protocol)) {
            Some(Protocol::Grpc) => {
                let location = format!(
                    "grpc_pass grpc://one; grpc_connect_timeout 1s; grpc_read_timeout {timeout}ms;"
                );
                http(setup, folder, &format!("{listen} http2{proxy}"), &location)
            }
            Some(protocol) => {
                let http2 = match protocol {
                    Protocol::Http2 => " http2",
                    _ => "",
                };
                let location = format!(
                    "proxy_pass http://one; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
                     proxy_set_header Host $http_host; proxy_connect_timeout 1s; proxy_read_timeout {timeout}ms;"
                );
                http(setup, folder, &format!("{listen}{http2}{proxy}"), &location)
            }
            None => format!(
                "stream {{ server {{ listen {listen}{proxy}; proxy_pass {backend}; proxy_connect_timeout 1s; }} }}\n"
            ),
        };
        let config = format!(
            "\
load_module {};
daemon off;
user root;
worker_processes 1;
worker_shutdown_timeout 10s;
pid {}/pid;
error_log stderr warn;
events {{ worker_connections 4000; }}
{server}",
            self.module.display(),
            folder.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config)?;
        let (program, file) = (self.program.display(), file.display().to_string());
        let prefix = folder.display().to_string();
        Ok(Command {
            program: [
                &program.to_string(),
                "-e",
                "stderr",
                "-p",
                &prefix,
                "-c",
                &file,
            ]
            .map(str::to_owned)
            .into(),
            env: vec![("LD_LIBRARY_PATH".to_owned(), self.libraries.clone())],
        })
    }

    /// It speaks HTTP/1.1 to servers, and HTTP/2 only as gRPC.
    fn upstream(&self, tongue: Tongue) -> Tongue {
        match tongue {
            Tongue::Http2 => Tongue::Http1,
            other => other,
        }
    }

    fn drain(&self) -> Drain {
        Drain::Signal(Signal::QUIT)
    }

    fn crash_marks(&self) -> &'static [&'static str] {
        &["exited on signal"]
    }
}
