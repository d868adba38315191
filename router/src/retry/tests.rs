use super::*;
use crate::config::Status;
use crate::config::{BackoffConfig, Condition::*, HedgeConfig};

const MS: Duration = Duration::from_millis(1);

/// Those that hold for every protocol.
const ALL: [Condition; 8] = [
    ConnectFailure,
    ResetBeforeRequest,
    Reset,
    Refused,
    Unavailable,
    Timeout,
    Overloaded,
    ServerError,
];

fn compile(
    path: &str,
    config: &RetryConfig,
    timeout: Option<Duration>,
) -> Result<RetryPolicy, Vec<Problem>> {
    RetryPolicy::compile(path, config, timeout, &|name| match name {
        "BUSY" => Ok(vec![(ProtocolId("thrift"), 6), (ProtocolId("other"), 2)]),
        _ => Err(format!("there is no status `{name}`")),
    })
}

fn policy(attempts: u32, on: &[Condition]) -> RetryPolicy {
    RetryPolicy {
        attempts,
        per_try_timeout: None,
        on: on.iter().copied().collect(),
        statuses: Box::default(),
        named: Box::default(),
        headers: Box::default(),
        methods: None,
        idempotent: None,
        hedge: None,
        buffer: 0,
        base: 25 * MS,
        max: 250 * MS,
        server_max: 5000 * MS,
    }
}

/// A unary request's first try, far from its deadline.
fn failed(failure: Failure, sent: bool) -> Attempt {
    Attempt {
        number: 1,
        kind: Kind::Unary,
        sent,
        terms: Terms {
            listed: true,
            idempotent: true,
        },
        pushback: None,
        replayable: true,
        failure,
        remaining: Some(Duration::from_secs(10)),
    }
}

fn local(kind: ErrorKind, sent: bool) -> Attempt {
    failed(Failure::Local(kind), sent)
}

fn answer(class: Class) -> Attempt {
    reply("bolt", class, 0)
}

fn reply(protocol: &'static str, class: Class, native: u32) -> Attempt {
    let answered = Answered::new(ProtocolId(protocol), Outcome::new(class, native));
    failed(Failure::Response(answered), true)
}

fn why(policy: &RetryPolicy, facts: Attempt) -> Option<Why> {
    match policy.decide(&facts, 0) {
        Decision::Retry { .. } => None,
        Decision::No(why) => Some(why),
    }
}

#[test]
fn each_failure_needs_its_own_condition() {
    let cases = [
        (local(ErrorKind::ConnectFailure, false), ConnectFailure),
        (local(ErrorKind::Reset, false), ResetBeforeRequest),
        (local(ErrorKind::Reset, false), Refused),
        (local(ErrorKind::Reset, false), Reset),
        (local(ErrorKind::Reset, true), Reset),
        (local(ErrorKind::Timeout, true), Timeout),
        (answer(Class::Refused), Refused),
        (answer(Class::Unavailable), Unavailable),
        (answer(Class::Timeout), Timeout),
        (answer(Class::Overloaded), Overloaded),
        (answer(Class::ServerError), ServerError),
    ];
    for (facts, condition) in cases {
        assert_eq!(
            why(&policy(1, &[condition]), facts),
            None,
            "{facts:?} on {condition:?}"
        );
        let accepting = cases
            .iter()
            .filter(|(other, _)| *other == facts)
            .map(|(_, on)| *on);
        let accepting: Vec<_> = accepting.collect();
        for other in ALL.into_iter().filter(|other| !accepting.contains(other)) {
            let why = why(&policy(1, &[other]), facts);
            let no = matches!(why, Some(Why::NotRetriable | Why::NotSafe));
            assert!(no, "{facts:?} on {other:?}: {why:?}");
        }
    }
}

#[test]
fn what_no_condition_covers_is_never_tried_again() {
    let all = policy(9, &ALL);
    for class in [Class::Success, Class::AppError, Class::ClientError] {
        assert_eq!(why(&all, answer(class)), Some(Why::NotRetriable), "{class}");
    }
    let covered = [
        ErrorKind::ConnectFailure,
        ErrorKind::Reset,
        ErrorKind::Timeout,
    ];
    for kind in ErrorKind::ALL
        .into_iter()
        .filter(|kind| !covered.contains(kind))
    {
        for sent in [false, true] {
            assert_eq!(
                why(&all, local(kind, sent)),
                Some(Why::NotRetriable),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_grpc_status_is_told_from_the_others_of_its_class() {
    // The statuses of gRPC, and the classes that they might be given.
    let named = [
        (1, Class::ClientError, Cancelled),
        (2, Class::AppError, Unknown),
        (4, Class::Timeout, DeadlineExceeded),
        (8, Class::Overloaded, ResourceExhausted),
        (10, Class::ClientError, Aborted),
        (13, Class::ServerError, Internal),
        (15, Class::ServerError, DataLoss),
    ];
    for (status, class, condition) in named {
        for protocol in ["grpc", "triple"] {
            for (other, class, _) in named {
                let why = why(&policy(1, &[condition]), reply(protocol, class, other));
                let expected = (other != status).then_some(Why::NotRetriable);
                assert_eq!(why, expected, "{protocol} {other} on {condition:?}");
            }
        }
        // 13 may be anything elsewhere.
        for protocol in ["bolt", "http2"] {
            let why = why(&policy(1, &[condition]), reply(protocol, class, status));
            assert_eq!(why, Some(Why::NotRetriable), "{protocol} {status}");
        }
    }
    // A class holds for gRPC as for all.
    let unavailable = reply("grpc", Class::Unavailable, 14);
    assert_eq!(why(&policy(1, &[Unavailable]), unavailable), None);
    assert_eq!(
        why(&policy(1, &[Internal]), unavailable),
        Some(Why::NotRetriable)
    );
}

#[test]
fn a_status_that_is_named_is_tried_again_whatever_its_class() {
    let config = RetryConfig {
        on: Vec::new(),
        statuses: vec![409.into(), 0.into()],
        ..RetryConfig::default()
    };
    let policy = compile("r", &config, None).unwrap();
    assert_eq!(why(&policy, reply("http1", Class::ClientError, 409)), None);
    assert_eq!(
        why(&policy, reply("http1", Class::ClientError, 404)),
        Some(Why::NotRetriable)
    );
    assert_eq!(
        why(&policy, reply("http1", Class::Unavailable, 503)),
        Some(Why::NotRetriable)
    );
    // A success is none that failed.
    assert_eq!(
        why(&policy, reply("grpc", Class::Success, 0)),
        Some(Why::NotRetriable)
    );
    assert_eq!(policy.buffer, 64 << 10);
}

#[test]
fn a_one_way_request_is_never_tried_again_once_it_may_have_left() {
    let all = policy(9, &ALL);
    let one_way = |facts: Attempt| Attempt {
        kind: Kind::OneWay,
        ..facts
    };
    for kind in ErrorKind::ALL {
        assert_eq!(
            why(&all, one_way(local(kind, true))),
            Some(Why::OneWaySent),
            "{kind}"
        );
    }
    for class in Class::ALL {
        // An answer proves that it was sent, whatever the flag says.
        let facts = Attempt {
            sent: false,
            ..one_way(answer(class))
        };
        assert_eq!(why(&all, facts), Some(Why::OneWaySent), "{class}");
    }
    assert_eq!(
        why(&all, one_way(local(ErrorKind::ConnectFailure, false))),
        None
    );
    assert_eq!(why(&all, one_way(local(ErrorKind::Reset, false))), None);
}

#[test]
fn a_reset_after_sending_is_unsafe_unless_named() {
    let default = compile("r", &RetryConfig::default(), None).unwrap();
    assert_eq!(why(&default, local(ErrorKind::Reset, false)), None);
    assert_eq!(
        why(&default, local(ErrorKind::Reset, true)),
        Some(Why::NotSafe)
    );
    let other = policy(1, &[ConnectFailure]);
    assert_eq!(
        why(&other, local(ErrorKind::Reset, true)),
        Some(Why::NotRetriable)
    );
}

#[test]
fn a_request_that_is_no_longer_whole_is_not_tried_again() {
    let facts = Attempt {
        replayable: false,
        kind: Kind::Streaming,
        ..answer(Class::Unavailable)
    };
    assert_eq!(why(&policy(3, &ALL), facts), Some(Why::NotSafe));
    let whole = Attempt {
        replayable: true,
        ..facts
    };
    assert_eq!(why(&policy(3, &ALL), whole), None);
}

#[test]
fn attempts_are_retries_beyond_the_first_try() {
    let facts = |number| Attempt {
        number,
        ..local(ErrorKind::ConnectFailure, false)
    };
    let two = policy(2, &ALL);
    assert_eq!(why(&two, facts(1)), None);
    assert_eq!(why(&two, facts(2)), None);
    assert_eq!(why(&two, facts(3)), Some(Why::Attempts));
    assert_eq!(why(&policy(0, &ALL), facts(1)), Some(Why::Disabled));
}

#[test]
fn the_deadline_ends_retrying() {
    let all = policy(9, &ALL);
    let with = |remaining, facts| Attempt { remaining, ..facts };
    let timeout = local(ErrorKind::Timeout, true);
    assert_eq!(
        why(&all, with(Some(Duration::ZERO), timeout)),
        Some(Why::Deadline)
    );
    assert_eq!(
        why(&policy(9, &[Reset]), with(Some(Duration::ZERO), timeout)),
        Some(Why::Deadline)
    );
    assert_eq!(why(&all, with(Some(MS), timeout)), None);
    assert_eq!(why(&all, with(None, timeout)), None);

    // A wait that would outlast the deadline is not begun.
    let facts = with(Some(25 * MS), local(ErrorKind::ConnectFailure, false));
    assert_eq!(all.decide(&facts, u32::MAX), Decision::No(Why::Deadline));
    let facts = with(Some(26 * MS), facts);
    assert_eq!(
        all.decide(&facts, u32::MAX),
        Decision::Retry { backoff: 25 * MS }
    );
}

#[test]
fn backoff_doubles_to_its_limit_with_full_jitter() {
    let policy = policy(9, &ALL);
    let longest: Vec<_> = (1..=6)
        .map(|n| policy.backoff(n, u32::MAX).as_millis())
        .collect();
    assert_eq!(longest, [25, 50, 100, 200, 250, 250]);
    assert_eq!(policy.backoff(u32::MAX, u32::MAX), 250 * MS);
    assert_eq!(policy.backoff(3, 0), Duration::ZERO);
    let half = policy.backoff(3, u32::MAX / 2);
    assert!(half > 49 * MS && half < 51 * MS, "{half:?}");

    let none = RetryPolicy {
        base: Duration::ZERO,
        ..policy.clone()
    };
    assert_eq!(none.backoff(5, u32::MAX), Duration::ZERO);
    let huge = RetryPolicy {
        base: Duration::MAX,
        max: Duration::MAX,
        ..policy
    };
    assert!(huge.backoff(40, u32::MAX) > Duration::from_secs(1 << 32));
}

#[test]
fn a_name_is_the_status_of_its_protocols_alone() {
    let named = |name: &str| RetryConfig {
        on: Vec::new(),
        statuses: vec![Status::Name(name.to_owned())],
        ..RetryConfig::default()
    };
    let policy = compile("r", &named("BUSY"), None).unwrap();
    assert_eq!(why(&policy, reply("thrift", Class::ServerError, 6)), None);
    assert_eq!(why(&policy, reply("other", Class::ServerError, 2)), None);
    for (protocol, native) in [("thrift", 2), ("other", 6), ("grpc", 6)] {
        assert_eq!(
            why(&policy, reply(protocol, Class::ServerError, native)),
            Some(Why::NotRetriable)
        );
    }
    // A declared exception is the service's answer, whatever number it has.
    assert_eq!(
        why(&policy, reply("thrift", Class::Success, 6)),
        Some(Why::NotRetriable)
    );
    let problems = compile("r", &named("BUZY"), None).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "r.statuses[0]: there is no status `BUZY`"
    );
}

#[test]
fn a_bad_policy_says_what_would_be_right() {
    let config = RetryConfig {
        attempts: 101,
        per_try_timeout: Some("3s".parse().unwrap()),
        on: Vec::new(),
        statuses: Vec::new(),
        headers: vec!["x y".to_owned()],
        methods: Some(Vec::new()),
        idempotent: Some(false),
        hedge: Some(HedgeConfig {
            after: "2s".parse().unwrap(),
            attempts: 6,
        }),
        buffer: "65MiB".parse().unwrap(),
        backoff: BackoffConfig {
            base: "1s".parse().unwrap(),
            max: Some("10ms".parse().unwrap()),
            server_max: "1s".parse().unwrap(),
        },
    };
    let problems = compile("r", &config, Some(Duration::from_secs(2))).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "r.attempts: 101 is more than 100 retries",
            "r.headers[0]: \"x y\" is no name of a header field",
            "r.methods: an empty list retries nothing: name a method, or leave it out",
            "r.hedge.attempts: 6 is out of range: 1 to 5",
            "r.hedge.after: 2s is not shorter than the route's timeout of 2s, so no hedge is ever sent: lower it",
            "r.hedge: hedging carries requests out twice, and `idempotent` says that they may not: \
             remove one of them",
            "r.buffer: 65MiB is more than 64MiB",
            "r.per_try_timeout: 3s is longer than the route's timeout of 2s, so it never passes: \
             lower it, or raise `timeout`",
            "r.backoff.max: 10ms is shorter than `base`, 1s",
        ]
    );
    let statuses = RetryConfig {
        statuses: (500..565).map(Status::from).collect(),
        ..RetryConfig::default()
    };
    let problems = compile("r", &statuses, None).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "r.statuses: there are more than 64"
    );
    let unlimited = RetryConfig {
        per_try_timeout: config.per_try_timeout,
        ..RetryConfig::default()
    };
    let policy = compile("r", &unlimited, None).unwrap();
    assert_eq!(policy.per_try_timeout, Some(Duration::from_secs(3)));
}

#[test]
fn names_for_metrics_are_distinct() {
    let mut names: Vec<_> = Why::ALL.iter().map(|why| why.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Why::ALL.len());
}

#[test]
fn an_empty_list_of_failures_is_refused() {
    let nothing = RetryConfig {
        on: Vec::new(),
        ..RetryConfig::default()
    };
    let problems = compile("r", &nothing, None).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "r.on: an empty list retries nothing: name a failure, or leave `retry` out"
    );
}

#[test]
fn what_may_have_had_an_effect_is_tried_again_only_if_that_does_no_harm() {
    let all = RetryPolicy {
        idempotent: Some(false),
        ..policy(1, &ALL)
    };
    let said = policy(1, &ALL);
    let once = |facts: Attempt| Attempt {
        terms: Terms {
            listed: true,
            idempotent: false,
        },
        ..facts
    };
    for facts in [
        local(ErrorKind::Reset, true),
        local(ErrorKind::Timeout, true),
        answer(Class::Timeout),
        answer(Class::ServerError),
    ] {
        assert_eq!(why(&all, once(facts)), Some(Why::NotSafe), "{facts:?}");
        // Naming the failure says that it may.
        assert_eq!(why(&said, once(facts)), None, "{facts:?}");
    }
    for facts in [
        local(ErrorKind::Reset, false),
        local(ErrorKind::ConnectFailure, false),
        answer(Class::Refused),
        answer(Class::Unavailable),
        answer(Class::Overloaded),
    ] {
        assert_eq!(why(&all, once(facts)), None, "{facts:?}");
    }
    // Whoever names a status knows what it stands for.
    let named = RetryPolicy {
        statuses: [31].into(),
        idempotent: Some(false),
        ..policy(1, &[])
    };
    let facts = once(reply("dubbo", Class::ServerError, 31));
    assert_eq!(why(&named, facts), None);
}

fn head(protocol: &'static str, method: &str, http: Option<http::Method>) -> RequestHead {
    RequestHead {
        protocol: ProtocolId(protocol),
        kind: Kind::Unary,
        service: "s".into(),
        method: method.into(),
        fields: Default::default(),
        timeout: None,
        wire: Default::default(),
        http: http.map(|method| Box::new(rpc::HttpRequest::new(method, "a".into(), "/".into()))),
    }
}

#[test]
fn a_request_tells_its_terms_unless_the_route_does() {
    let plain = policy(1, &ALL);
    let terms = |policy: &RetryPolicy, head: &RequestHead| {
        let Terms { listed, idempotent } = policy.terms(head);
        (listed, idempotent)
    };
    let (get, post) = (
        head("http1", "", Some(http::Method::GET)),
        head("http1", "", Some(http::Method::POST)),
    );
    let call = head("dubbo", "getOrder", None);
    assert_eq!(terms(&plain, &get), (true, true));
    assert_eq!(terms(&plain, &post), (true, false));
    assert_eq!(terms(&plain, &call), (true, false));
    let said = RetryPolicy {
        methods: Some([MethodMatch::new("get*"), MethodMatch::new("POST")].into()),
        idempotent: Some(true),
        ..plain
    };
    assert_eq!(terms(&said, &get), (false, true));
    assert_eq!(terms(&said, &post), (true, true));
    assert_eq!(terms(&said, &call), (true, true));
    let other = head("dubbo", "forget", None);
    assert_eq!(terms(&said, &other), (false, true));
    let facts = Attempt {
        terms: said.terms(&other),
        ..local(ErrorKind::ConnectFailure, false)
    };
    assert_eq!(why(&said, facts), Some(Why::Method));
}

#[test]
fn an_answer_says_when_and_whether_it_is_tried_again() {
    let policy = policy(3, &ALL);
    let with = |pushback| Attempt {
        pushback: Some(pushback),
        ..answer(Class::Unavailable)
    };
    for (asked, waited) in [(0, 0), (700, 700), (60_000, 5_000)] {
        let facts = with(Pushback::After(asked * MS));
        let backoff = waited * MS;
        assert_eq!(policy.decide(&facts, 7), Decision::Retry { backoff });
    }
    assert_eq!(why(&policy, with(Pushback::Never)), Some(Why::Pushback));
    let deaf = RetryPolicy {
        server_max: Duration::ZERO,
        ..policy
    };
    let facts = with(Pushback::After(700 * MS));
    assert_eq!(
        deaf.decide(&facts, 0),
        Decision::Retry {
            backoff: Duration::ZERO
        }
    );
}

#[test]
fn a_header_field_marks_an_answer_whatever_it_says() {
    let policy = policy(1, &[]);
    for class in Class::ALL {
        let answered = Answered::new(ProtocolId("http1"), Outcome::new(class, 200));
        assert!(!policy.names_answer(answered), "{class}");
        let marked = answered.marked(true);
        assert!(policy.names_answer(marked), "{class}");
        let facts = failed(Failure::Response(marked), true);
        assert_eq!(why(&policy, facts), None, "{class}");
    }
}
