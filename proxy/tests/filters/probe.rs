//! A filter that does what its configuration says, and notes what it was asked.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use wireloom_codecs::{
    Body, ErrorKind, HttpResponse, LocalError, Message, Needs, RequestHead, ResponseHead,
};
use wireloom_router::Problem;
use wireloom_router::filter::{Configured, Exchanged, Filter, Flow, Replied, Verdict};

static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static HELD: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

/// What filters of this mark noted.
pub(crate) fn notes(mark: &str) -> Vec<String> {
    let notes = NOTES.lock().unwrap();
    let own = notes.iter().filter_map(|note| note.strip_prefix(mark));
    own.map(str::to_owned).collect()
}

/// What filters of this mark hold.
pub(crate) fn held(mark: &str) -> usize {
    let held = HELD.lock().unwrap();
    let held = held.as_ref().and_then(|held| held.get(mark));
    held.copied().unwrap_or_default()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeConfig {
    /// Whose notes they are.
    mark: String,
    /// What it does to requests.
    #[serde(default)]
    r#do: Does,
    /// How much of a body it wants.
    #[serde(default)]
    body: usize,
    /// How much of an answer's body it wants.
    #[serde(default)]
    response_body: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Does {
    #[default]
    Pass,
    /// Refuses those that say `user: mallory`.
    Guard,
    /// The same after a while.
    GuardLater,
    /// Never decides.
    Never,
    Answer,
    Hold,
    /// Lets two requests pass.
    Two,
    /// Puts another body in its place.
    Rewrite,
    /// Refuses the answer, after a while.
    RefuseAnswer,
}

pub(crate) struct Probe {
    config: ProbeConfig,
    passed: AtomicUsize,
}

struct Guard(String);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap();
        *held
            .get_or_insert_default()
            .entry(self.0.clone())
            .or_default() -= 1;
    }
}

fn denied(allowed: bool) -> Flow {
    match allowed {
        true => Flow::Continue,
        false => Flow::reject(LocalError::new(ErrorKind::Denied, "not you"), "mallory"),
    }
}

impl Probe {
    fn note(&self, what: &str) {
        let note = format!("{}{what}", self.config.mark);
        NOTES.lock().unwrap().push(note);
    }
}

impl Filter for Probe {
    fn needs(&self) -> Needs {
        Needs::fields(["user"])
    }

    fn request_body(&self, _: &RequestHead) -> usize {
        self.config.body
    }

    fn response_body(&self, _: &ResponseHead) -> usize {
        self.config.response_body
    }

    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        let body = match &exchange.request.body {
            Body::Stream(_) => "stream".to_owned(),
            body => body.whole().unwrap_or_default().len().to_string(),
        };
        self.note(&format!(">{body}"));
        let allowed = exchange
            .request
            .head
            .values(b"user")
            .all(|user| user != b"mallory");
        match self.config.r#do {
            Does::Guard => denied(allowed),
            Does::GuardLater => Flow::wait(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Flow::then(move |exchange| {
                    assert!(!exchange.route.name.is_empty());
                    denied(allowed)
                })
            }),
            Does::Never => {
                self.note("waits");
                Flow::wait(std::future::pending())
            }
            Does::Answer => {
                let head = ResponseHead {
                    http: Some(Box::new(HttpResponse::new(http::StatusCode::ACCEPTED))),
                    ..ResponseHead::default()
                };
                let body = Body::Whole("from the filter".into());
                Flow::Answer(Box::new(Message::new(head, body)))
            }
            Does::Hold => {
                let mark = self.config.mark.clone();
                let mut held = HELD.lock().unwrap();
                *held
                    .get_or_insert_default()
                    .entry(mark.clone())
                    .or_default() += 1;
                Flow::hold(Guard(mark))
            }
            Does::Two if self.passed.fetch_add(1, Ordering::SeqCst) >= 2 => {
                Flow::reject(ErrorKind::Overloaded, "two")
            }
            Does::Rewrite => {
                exchange.request.body = Body::Whole("another body".into());
                Flow::Continue
            }
            Does::Pass | Does::Two | Does::RefuseAnswer => Flow::Continue,
        }
    }

    fn response(&self, reply: &mut Replied<'_>) -> Verdict {
        let body = match &reply.result {
            Err(error) => error.kind.to_string(),
            Ok(response) => match &response.body {
                Body::Stream(_) => "stream".to_owned(),
                body => body.whole().unwrap_or_default().len().to_string(),
            },
        };
        let held = if reply.held::<Guard>().is_some() {
            ", held"
        } else {
            ""
        };
        self.note(&format!("<{body}{held}"));
        match self.config.r#do {
            Does::RefuseAnswer => Verdict::Wait(Box::pin(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Box::new(|_: &mut Replied<'_>| Verdict::Reject {
                    error: ErrorKind::Overloaded.into(),
                    reason: "answer",
                }) as _
            })),
            _ => Verdict::Continue,
        }
    }
}

impl Configured for Probe {
    const NAME: &'static str = "probe";
    type Config = ProbeConfig;

    fn new(config: ProbeConfig) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            config,
            passed: AtomicUsize::new(0),
        })
    }
}
