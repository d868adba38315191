//! Envoy: a filter for each protocol, or its generic proxy.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Command, Drain, Driver, Level, Setup, is_http};
use crate::grade::case::{Need, Protocol};
use crate::scripted::Dialect;
use crate::scripted::thrift::Transport;

/// What the names of its messages begin with.
const TYPE: &str = "type.googleapis.com/envoy.extensions";

pub(super) struct Envoy {
    pub(super) program: PathBuf,
    /// Dubbo by its generic proxy, and nothing else.
    pub(super) generic: bool,
}

impl Envoy {
    /// The network filter for a protocol.
    fn filter(&self, protocol: Protocol, setup: &Setup) -> String {
        let timeout = setup.timeout.as_secs();
        let head = setup.head.as_secs();
        match protocol {
            Protocol::Http1 | Protocol::Http2 | Protocol::Grpc => format!(
                "\
{{name: http, typed_config: {{\"@type\": {TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager,
          stat_prefix: in, codec_type: AUTO, generate_request_id: false, request_headers_timeout: {head}s,
          server_header_transformation: PASS_THROUGH,
          route_config: {{virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: \"/\"}}, route: {{cluster: backend, timeout: {timeout}s}}}}]}}]}},
          http_filters: [{{name: router, typed_config: {{\"@type\": {TYPE}.filters.http.router.v3.Router, suppress_envoy_headers: true}}}}]}}}}"
            ),
            Protocol::Dubbo if self.generic => format!(
                "\
{{name: generic, typed_config: {{\"@type\": {TYPE}.filters.network.generic_proxy.v3.GenericProxy, stat_prefix: in,
          codec_config: {{name: envoy.generic_proxy.codecs.dubbo, typed_config: {{\"@type\": {TYPE}.filters.network.generic_proxy.codecs.dubbo.v3.DubboCodecConfig}}}},
          filters: [{{name: envoy.filters.generic.router, typed_config: {{\"@type\": {TYPE}.filters.network.generic_proxy.router.v3.Router}}}}],
          route_config: {{name: r, routes: {{on_no_match: {{action: {{name: route, typed_config: {{\"@type\": {TYPE}.filters.network.generic_proxy.action.v3.RouteAction, name: all, cluster: backend, timeout: {timeout}s}}}}}}}}}}}}}}"
            ),
            Protocol::Dubbo => format!(
                "\
{{name: dubbo, typed_config: {{\"@type\": {TYPE}.filters.network.dubbo_proxy.v3.DubboProxy, stat_prefix: in,
          protocol_type: Dubbo, serialization_type: Hessian2,
          multiple_route_config: {{name: r, route_config: [{{name: any, interface: \"*\", routes: [{{match: {{method: {{name: {{safe_regex: {{regex: \".*\"}}}}}}}}, route: {{cluster: backend}}}}]}}]}}}}}}"
            ),
            Protocol::Thrift => format!(
                "\
{{name: thrift, typed_config: {{\"@type\": {TYPE}.filters.network.thrift_proxy.v3.ThriftProxy, stat_prefix: in,
          transport: AUTO_TRANSPORT, protocol: AUTO_PROTOCOL,
          route_config: {{name: r, routes: [{{match: {{method_name: \"\"}}, route: {{cluster: backend}}}}]}}}}}}"
            ),
            Protocol::Bolt | Protocol::Port => format!(
                "{{name: tcp, typed_config: {{\"@type\": {TYPE}.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: in, cluster: backend}}}}"
            ),
        }
    }
}

impl Driver for Envoy {
    fn name(&self) -> &str {
        match self.generic {
            true => "envoy-generic",
            false => "envoy",
        }
    }

    fn level(&self, protocol: Protocol) -> Level {
        match protocol {
            Protocol::Bolt => Level::Bytes,
            _ => Level::Messages,
        }
    }

    fn lacks(&self, need: Need) -> Option<&'static str> {
        (need == Need::Limit).then_some("it has no setting for the longest message")
    }

    /// Its inspector tells HTTP from one other protocol.
    fn sniffs(&self, protocols: &[Protocol]) -> bool {
        protocols.iter().filter(|it| !is_http(**it)).count() <= 1
    }

    fn command(&self, setup: &Setup, folder: &Path) -> Result<Command> {
        let protocols = setup.protocols();
        let http = protocols.iter().find(|it| is_http(**it)).copied();
        let other = protocols.iter().find(|it| !is_http(**it)).copied();
        let chains = match (http, other) {
            (Some(http), Some(other)) => format!(
                "filter_chains: [{{filter_chain_match: {{application_protocols: [\"http/1.0\", \"http/1.1\", \"h2c\"]}}, filters: [{}]}}]\n    default_filter_chain: {{filters: [{}]}}",
                self.filter(http, setup),
                self.filter(other, setup)
            ),
            _ => {
                let only = http.or(other).context("no protocol")?;
                format!(
                    "filter_chains: [{{filters: [{}]}}]",
                    self.filter(only, setup)
                )
            }
        };
        let mut before = Vec::new();
        if setup.proxy_header {
            before.push(format!("{{name: proxy, typed_config: {{\"@type\": {TYPE}.filters.listener.proxy_protocol.v3.ProxyProtocol}}}}"));
        }
        if http.is_some() && other.is_some() {
            before.push(format!("{{name: inspector, typed_config: {{\"@type\": {TYPE}.filters.listener.http_inspector.v3.HttpInspector}}}}"));
        }
        let upstream = match http {
            Some(_) => format!(
                "
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": {TYPE}.upstreams.http.v3.HttpProtocolOptions
        use_downstream_protocol_config: {{http_protocol_options: {{}}, http2_protocol_options: {{}}}}"
            ),
            None => String::new(),
        };
        let config = format!(
            "\
admin: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}
static_resources:
  listeners:
  - name: in
    address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}
    listener_filters: [{}]
    {chains}
  clusters:
  - name: backend
    type: STATIC
    connect_timeout: 1s
    load_assignment: {{cluster_name: backend, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}}}]}}]}}{upstream}
",
            setup.admin.port(),
            setup.listen.port(),
            before.join(", "),
            setup.backend.port()
        );
        let file = folder.join("envoy.yaml");
        std::fs::write(&file, config)?;
        let (program, file) = (self.program.display(), file.display().to_string());
        Ok(Command {
            program: [
                &program.to_string(),
                "-c",
                &file,
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--drain-time-s",
                "2",
                "-l",
                "warn",
            ]
            .map(str::to_owned)
            .into(),
            env: Vec::new(),
        })
    }

    fn is_about(&self, protocol: Protocol) -> bool {
        !self.generic || protocol == Protocol::Dubbo
    }

    fn dialect(&self, dialect: Dialect) -> bool {
        dialect.transport != Transport::TtHeader
    }

    fn drain(&self) -> Drain {
        Drain::Post("/drain_listeners?graceful")
    }

    fn crash_marks(&self) -> &'static [&'static str] {
        &["Caught ", "assert failure", "envoy bug failure"]
    }
}
