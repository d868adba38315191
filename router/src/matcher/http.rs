//! Conditions on what only HTTP has.

use http::Method;
use wireloom_codecs::HttpRequest;

use super::Text;
use super::cookie::Cookie;
use super::each::each;
use super::host::Host;
use super::path::Path;
use super::query::Parameter;
use crate::Problem;
use crate::config::HttpMatch;

/// A compiled [`HttpMatch`].
#[derive(Clone, Debug)]
pub(crate) struct HttpMatcher {
    hosts: Box<[Host]>,
    path: Option<Path>,
    methods: Box<[Method]>,
    query: Box<[Parameter]>,
    cookies: Box<[Cookie]>,
}

impl HttpMatcher {
    /// Compiles the conditions found at `path` (`routes.main[2].match.http`) and adds what is wrong with them.
    pub(super) fn compile(path: &str, config: &HttpMatch, problems: &mut Vec<Problem>) -> Self {
        let mut note = |problem| problems.push(problem);
        let hosts = each(format!("{path}.host"), config.host.as_ref());
        let hosts = hosts.filter_map(|(path, text)| {
            Host::compile(text)
                .map_err(|why| note(Problem::new(path, why)))
                .ok()
        });
        let hosts = hosts.collect();
        let condition = config.path.as_ref().and_then(|condition| {
            Path::compile(&format!("{path}.path"), condition)
                .map_err(&mut note)
                .ok()
        });
        let methods = each(format!("{path}.method"), config.method.as_ref());
        let methods = methods.filter_map(|(path, text)| {
            method(text)
                .map_err(|why| note(Problem::new(path, why)))
                .ok()
        });
        let methods = methods.collect();
        let mut query = Vec::new();
        for (name, condition) in &config.query {
            let path = format!("{path}.query.{name}");
            if name.is_empty() {
                note(Problem::new(path, "a parameter's name cannot be empty"));
                continue;
            }
            match Text::compile(&path, condition) {
                Ok(text) => query.push(Parameter::new(name, text)),
                Err(problem) => note(problem),
            }
        }
        let mut cookies = Vec::new();
        for (name, condition) in &config.cookie {
            let path = format!("{path}.cookie.{name}");
            let cookie = Text::compile(&path, condition).and_then(|text| {
                Cookie::new(name, text).map_err(|why| Problem::new(path.clone(), why))
            });
            match cookie {
                Ok(cookie) => cookies.push(cookie),
                Err(problem) => note(problem),
            }
        }
        Self {
            hosts,
            path: condition,
            methods,
            query: query.into(),
            cookies: cookies.into(),
        }
    }

    /// True if every condition holds. Cheap ones come first.
    pub(super) fn matches(&self, request: &HttpRequest) -> bool {
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && self
                .path
                .as_ref()
                .is_none_or(|path| path.matches(request.path()))
            && (self.hosts.is_empty() || self.hosts.iter().any(|host| host.matches(request)))
            && self
                .query
                .iter()
                .all(|parameter| parameter.matches(request.query()))
            && self.cookies.iter().all(|cookie| cookie.matches(request))
    }

    pub(super) fn exact_path(&self) -> Option<&[u8]> {
        self.path.as_ref()?.exact()
    }

    pub(super) fn exact_hosts(&self) -> Option<Vec<&[u8]>> {
        let hosts: Option<Vec<_>> = self.hosts.iter().map(Host::exact).collect();
        hosts.filter(|hosts| !hosts.is_empty())
    }
}

fn method(text: &str) -> Result<Method, String> {
    let upper = text.to_ascii_uppercase();
    match Method::from_bytes(text.as_bytes()) {
        Err(_) => Err(format!("{text:?} is not an HTTP method like GET")),
        Ok(_) if upper != text && is_common(&upper) => {
            Err(format!("methods are told apart by case: write {upper}"))
        }
        Ok(method) => Ok(method),
    }
}

/// The methods of RFC 9110 and RFC 5789.
fn is_common(method: &str) -> bool {
    let common = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    common.iter().any(|common| common == method)
}

#[cfg(test)]
mod tests;
