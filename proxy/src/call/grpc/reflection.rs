//! A schema from the server itself: gRPC Server Reflection v1, or its older form v1alpha, whose messages are the same.

use std::collections::HashSet;

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ErrorResponse, ServerReflectionRequest, ServerReflectionResponse};

use super::super::{CallError, Failure};
use super::client::{Client, name};
use super::encoded;
use super::schema::unknown_service;

/// Both forms, the newer one first.
const PATHS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
/// The most files of a schema.
const FILES: usize = 4096;
const UNIMPLEMENTED: u32 = Code::Unimplemented as u32;
const NOT_FOUND: i32 = Code::NotFound as i32;

/// What a server tells of itself.
pub(super) struct Reflection<'c, 'a> {
    client: &'c mut Client<'a>,
    /// Of these forms the server has not refused any yet.
    forms: &'static [&'static str],
}

impl<'c, 'a> Reflection<'c, 'a> {
    pub(super) fn new(client: &'c mut Client<'a>) -> Self {
        let forms = &PATHS;
        Self { client, forms }
    }

    /// The names of the services.
    pub(super) async fn services(&mut self) -> Result<Vec<String>, CallError> {
        match self
            .ask(MessageRequest::ListServices(String::new()))
            .await?
        {
            MessageResponse::ListServicesResponse(list) => {
                Ok(list.service.into_iter().map(|one| one.name).collect())
            }
            other => Err(self.odd(other)),
        }
    }

    /// The schema with this service.
    pub(super) async fn pool(&mut self, service: &str) -> Result<DescriptorPool, CallError> {
        let symbol = MessageRequest::FileContainingSymbol(service.to_owned());
        let files = match self.ask(symbol).await? {
            MessageResponse::ErrorResponse(error) if error.error_code == NOT_FOUND => {
                let names = self.services().await?;
                let names = names.iter().map(String::as_str);
                return Err(unknown_service(service, names).into());
            }
            response => self.files(response)?,
        };
        // Has what every implementation of Protobuf has, and what some servers therefore leave out.
        let mut pool = DescriptorPool::global();
        let mut files: Vec<_> = files;
        let mut seen: HashSet<String> = files.iter().map(|file| file.name().to_owned()).collect();
        let mut at = 0;
        while let Some(file) = files.get(at) {
            at += 1;
            for import in file.dependency.clone() {
                if pool.get_file_by_name(&import).is_some() || seen.contains(&import) {
                    continue;
                }
                let response = self.ask(MessageRequest::FileByFilename(import)).await?;
                for file in self.files(response)? {
                    if seen.insert(file.name().to_owned()) {
                        files.push(file);
                    }
                }
                if files.len() > FILES {
                    return Err(self.no_schema(format!("has more than {FILES} files of it")));
                }
            }
        }
        files.retain(|file| pool.get_file_by_name(file.name()).is_none());
        let added = pool.add_file_descriptor_protos(files);
        added.map_err(|error| self.no_schema(format!("sends one that is wrong: {error:?}")))?;
        Ok(pool)
    }

    fn files(&self, response: MessageResponse) -> Result<Vec<FileDescriptorProto>, CallError> {
        let MessageResponse::FileDescriptorResponse(files) = response else {
            return Err(self.odd(response));
        };
        let files = files.file_descriptor_proto.iter();
        let files = files.map(|file| FileDescriptorProto::decode(&**file));
        files
            .collect::<Result<_, _>>()
            .map_err(|error| self.no_schema(format!("sends one that cannot be read: {error}")))
    }

    /// Asks one question, on a stream of its own.
    async fn ask(&mut self, question: MessageRequest) -> Result<MessageResponse, CallError> {
        let request = encoded(&ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        });
        while let Some((path, others)) = self.forms.split_first() {
            match self.answer(path, request.clone()).await {
                Err(CallError::Answered(Failure::Grpc { code, .. })) if code == UNIMPLEMENTED => {
                    self.forms = others;
                }
                // Some servers end the stream with it instead.
                Err(CallError::Answered(Failure::Grpc { code, message, .. }))
                    if i32::try_from(code) == Ok(NOT_FOUND) =>
                {
                    return Ok(MessageResponse::ErrorResponse(ErrorResponse {
                        error_code: NOT_FOUND,
                        error_message: message,
                    }));
                }
                Err(CallError::Answered(failure)) => {
                    return Err(self.no_schema(format!("answers reflection with {failure}")));
                }
                other => return other,
            }
        }
        Err(self.no_schema("has no reflection".to_owned()))
    }

    async fn answer(
        &mut self,
        path: &str,
        request: bytes::Bytes,
    ) -> Result<MessageResponse, CallError> {
        // What comes with these answers is not what was asked for.
        let mut nowhere = |_| Ok(());
        let out = &mut nowhere;
        let mut answer = self.client.call(path, vec![request], None, out).await?;
        let Some(message) = answer.next(out).await? else {
            return Err(self.no_schema("answers reflection with nothing".to_owned()));
        };
        let response = ServerReflectionResponse::decode(message).map_err(|error| {
            self.no_schema(format!("answers reflection with what it is not: {error}"))
        })?;
        let response = response.message_response;
        response.ok_or_else(|| self.no_schema("answers reflection with nothing".to_owned()))
    }

    /// An answer to something else, or an error.
    fn odd(&self, response: MessageResponse) -> CallError {
        self.no_schema(match response {
            MessageResponse::ErrorResponse(ErrorResponse {
                error_code,
                error_message,
            }) => {
                let name = name(Code::from(error_code));
                format!("answers reflection with {name}: {error_message}")
            }
            _ => "answers another question than was asked".to_owned(),
        })
    }

    fn no_schema(&self, what: String) -> CallError {
        CallError::NoSchema(self.client.url.address.clone(), what)
    }
}
