//! `grpc://host:port/package.Service/Method`, over HTTP/2 without TLS.
//!
//! The body is a message in JSON, or several in a row for a method that takes a stream. Without a method the service's
//! methods are printed, without a service the server's services.
//!
//! | file | holds |
//! |---|---|
//! | `client` | the connection, its messages as bytes, its errors |
//! | `schema` | services and messages, and JSON to and from these |
//! | `proto` | a schema from `--proto` files |
//! | `reflection` | a schema from the server itself |

mod client;
mod proto;
mod reflection;
mod schema;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use prost_reflect::{DescriptorPool, MethodDescriptor};

pub(super) use client::Client;
pub(crate) use client::RpcStatus;
pub(super) use proto::compile;
pub(super) use schema::{messages, method, service};

use super::{CallError, CallUrl, Caller, Failure, Out, Piece, options};
use crate::cli::CallArgs;
use reflection::Reflection;

const FORM: &str = "grpc://HOST:PORT/PACKAGE.SERVICE/METHOD";

pub(super) struct Grpc;

impl Caller for Grpc {
    fn scheme(&self) -> &'static str {
        "grpc"
    }

    fn call<'a>(
        &'a self,
        url: &'a CallUrl,
        args: &'a CallArgs,
        out: Out<'a>,
    ) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(async move {
            options::only(args, self.scheme(), &[options::PROTO])?;
            url.allow(&[])?;
            let written = match args.protos.is_empty() {
                true => None,
                false => Some(compile(args)?),
            };
            match url.path.as_slice() {
                [] => services(url, args, written, out).await,
                [name] => {
                    let mut client = Client::connect(url, args).await?;
                    let pool = pool(written, &mut client, name).await?;
                    let methods = service(&pool, name)?;
                    let mut lines = methods.methods().map(|method| schema::line(&method));
                    Ok(lines.try_for_each(|line| out(Piece::Line(line)))?)
                }
                _ => {
                    let (name, method_name) = url.service_and_method(FORM)?;
                    let mut client = Client::connect(url, args).await?;
                    let pool = pool(written, &mut client, &name).await?;
                    let method = method(&service(&pool, &name)?, method_name)?;
                    exchange(&mut client, &method, args, out).await
                }
            }
        })
    }
}

/// Prints the services of the files, or those that the server has.
async fn services(
    url: &CallUrl,
    args: &CallArgs,
    written: Option<DescriptorPool>,
    out: Out<'_>,
) -> Result<(), CallError> {
    let mut names = match written {
        Some(pool) => pool
            .services()
            .map(|service| service.full_name().to_owned())
            .collect(),
        None => {
            let mut client = Client::connect(url, args).await?;
            Reflection::new(&mut client).services().await?
        }
    };
    names.sort();
    Ok(names
        .into_iter()
        .try_for_each(|name| out(Piece::Line(name)))?)
}

/// The schema that was written, or the server's own of this service.
async fn pool(
    written: Option<DescriptorPool>,
    client: &mut Client<'_>,
    service: &str,
) -> Result<DescriptorPool, CallError> {
    match written {
        Some(pool) => Ok(pool),
        None => Reflection::new(client).pool(service).await,
    }
}

/// Calls the method with the messages in the body, and hands on what is answered.
pub(super) async fn exchange(
    client: &mut Client<'_>,
    method: &MethodDescriptor,
    args: &CallArgs,
    out: Out<'_>,
) -> Result<(), CallError> {
    let requests = messages(method, args.body.as_deref())?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let pool = method.parent_pool().clone();
    let mut answer = client.call(&path, requests, Some(pool), out).await?;
    let mut count = 0;
    while let Some(message) = answer.next(out).await? {
        out(Piece::Value(schema::json(method.output(), message)?))?;
        count += 1;
    }
    if count == 0 && !method.is_server_streaming() {
        let what = "its status is OK, and there is no message".to_owned();
        return Err(Failure::Unreadable(what).into());
    }
    Ok(())
}

/// A message as bytes.
fn encoded(message: &impl prost::Message) -> Bytes {
    message.encode_to_vec().into()
}
