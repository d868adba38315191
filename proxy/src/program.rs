//! Wireloom as a library: the whole program, with protocols and filters of somebody else's in it.

use std::process::ExitCode;
use std::sync::Arc;

use wireloom_cluster::Discovery;
use wireloom_codecs::{Codec, Connector, Framed, LocalError, ProtocolId, Request, Response};
use wireloom_router::filter::{Configured, Registry};
use wireloom_telemetry::Metrics;

use crate::PROTOCOLS;
use crate::call::{CallUrl, Caller, Failure, Messages, Reply, Wrong};
use crate::cli::{self, CallArgs};
use crate::config::{self, Config};
use crate::control::Proxy;
use crate::demo::{EXHIBITS, Example, Exhibit};
use crate::protocols::Protocols;
use crate::run::builtin;
use crate::sources::Sources;

/// What the program needs of a protocol beyond its [`Codec`]: its requests and answers as people write and read them, for `call` and
/// for `demo`. All but the codec and its settings have defaults, with which the protocol is proxied all the same.
pub trait Extension: Send + Sync + 'static {
    /// The protocol. Its [`Codec::ID`] is its name in configurations and the scheme of its URLs.
    type Codec: Codec;

    /// The codec's settings, the same on both sides.
    fn settings() -> <Self::Codec as Codec>::Settings;

    /// `call`: what was written on the command line, as a request. Its kind says whether an answer is waited for.
    fn request(url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        let _ = (url, args);
        let name = Self::Codec::ID;
        Err(Wrong::Url(format!(
            "this program proxies {name} and has no calls of it"
        )))
    }

    /// `call`: what an answer says; its body is whole.
    fn read(response: &Response) -> Result<Reply, Failure> {
        let _ = response;
        Ok(Reply::default())
    }

    /// `demo`: what the service of this name answers. Never asked for one-way requests' sake: their answer is thrown away.
    fn echo(request: &Request, served_by: &str) -> Result<Response, LocalError> {
        let _ = (request, served_by);
        Err(wireloom_codecs::ErrorKind::Unsupported.into())
    }

    /// `demo`: what to try. With none the protocol is not part of the demo.
    fn examples() -> Vec<Example> {
        Vec::new()
    }
}

/// The command line of Wireloom over its own protocols and filters, and others.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     wireloom::Program::new().main()
/// }
/// ```
#[derive(Clone)]
pub struct Program {
    own: Vec<Own>,
    filters: Registry,
    sources: Sources,
}

/// An [`Extension`], with its types forgotten.
#[derive(Clone)]
struct Own {
    id: ProtocolId,
    register: fn(Protocols) -> Protocols,
    caller: Arc<dyn Caller>,
    exhibit: Option<Exhibit>,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            own: Vec::new(),
            filters: Registry::builtin(),
            sources: Sources::new(),
        }
    }
}

impl Program {
    /// What Wireloom comes with.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a protocol. Detection asks it after those that are there already; one of the same name takes its place.
    #[must_use]
    pub fn with<E: Extension>(mut self) -> Self {
        let id = E::Codec::ID;
        self.own.retain(|own| own.id != id);
        self.own.push(Own {
            id,
            register: |protocols| protocols.codec::<E::Codec>(E::settings()),
            caller: Arc::new(Speaker::<E>(std::marker::PhantomData)),
            exhibit: (!E::examples().is_empty()).then(Exhibit::of::<E>),
        });
        self
    }

    /// Adds a filter that configurations may name. One of the same name is replaced.
    #[must_use]
    pub fn filter<F: Configured>(mut self) -> Self {
        self.filters = self.filters.with::<F>();
        self
    }

    /// Adds a source of endpoints for clusters that name it: `discovery: {name: settings}`. One of the same name is
    /// replaced.
    ///
    /// ```no_run
    /// # use std::process::ExitCode;
    /// use wireloom::{BoxSource, Discovery, Update};
    ///
    /// /// One set of endpoints, which never changes.
    /// struct Fixed;
    ///
    /// impl Discovery for Fixed {
    ///     fn source(&self, _: &str, settings: &serde_json::Value) -> Result<BoxSource, String> {
    ///         let endpoints = serde_json::from_value(settings.clone());
    ///         let endpoints = endpoints.map_err(|_| "write a list of endpoints".to_owned())?;
    ///         let once = async { Ok(Update::Full(endpoints)) };
    ///         Ok(Box::pin(futures_util::stream::once(once)))
    ///     }
    /// }
    ///
    /// fn main() -> ExitCode {
    ///     wireloom::Program::new().with_source("fixed", Fixed).main()
    /// }
    /// ```
    #[must_use]
    pub fn with_source(mut self, name: &'static str, discovery: impl Discovery) -> Self {
        self.sources = self.sources.with(name, Arc::new(discovery));
        self
    }

    /// The sources of endpoints that configurations may name.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Reads the command line, does it, and tells how it went.
    pub fn main(&self) -> ExitCode {
        cli::run(self)
    }

    /// The protocols' names as configurations use them.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = PROTOCOLS.to_vec();
        for own in &self.own {
            if !names.contains(&own.id.as_str()) {
                names.push(own.id.as_str());
            }
        }
        names
    }

    /// The filters that configurations may name.
    pub fn filters(&self) -> &Registry {
        &self.filters
    }

    /// All protocols, with the configuration's settings.
    pub fn protocols(&self, config: &Config) -> Protocols {
        let own = self.own.iter();
        let builtin = builtin(config).with_sources(self.sources.clone());
        own.fold(builtin, |protocols, own| (own.register)(protocols))
    }

    /// Starts a proxy in this process, with the configuration that is written here. Must be called on a Tokio runtime, which
    /// carries its control plane; the workers have threads of their own.
    ///
    /// # Errors
    /// What is wrong with the configuration, or what the system refuses.
    pub fn start(&self, yaml: &str) -> anyhow::Result<Proxy> {
        let config = config::parse_with(
            "configuration".as_ref(),
            yaml,
            &self.names(),
            &self.filters,
            &self.sources,
        )
        .map_err(|errors| anyhow::anyhow!("{errors}"))?;
        let protocols = self.protocols(&config);
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"))?);
        Ok(Proxy::start_with(
            config,
            protocols,
            self.filters.clone(),
            metrics,
        )?)
    }

    /// What calls a scheme beyond the built-in ones.
    pub(crate) fn callers(&self) -> impl Iterator<Item = &dyn Caller> {
        self.own.iter().map(|own| &*own.caller)
    }

    /// What the demo shows.
    pub(crate) fn exhibits(&self) -> Vec<Exhibit> {
        let own = self.own.iter().filter_map(|own| own.exhibit.clone());
        EXHIBITS.into_iter().chain(own).collect()
    }
}

/// The calls of an extension.
struct Speaker<E>(std::marker::PhantomData<fn() -> E>);

impl<E: Extension> Messages for Speaker<E> {
    const SCHEME: &'static str = E::Codec::ID.as_str();

    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(Framed::<E::Codec>::new(E::settings()))
    }

    fn request(&self, url: &CallUrl, args: &CallArgs) -> Result<Request, Wrong> {
        E::request(url, args)
    }

    fn read(&self, response: &Response) -> Result<Reply, Failure> {
        E::read(response)
    }
}
