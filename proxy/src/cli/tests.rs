use clap::{CommandFactory, Parser};

use super::{Cli, Command};

fn parse(line: &str) -> Result<Cli, String> {
    Cli::try_parse_from(line.split(' ')).map_err(|error| error.to_string())
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn commands_are_read() {
    let cli = parse("wireloom run -c mesh.yaml --workers 4 --log debug").unwrap();
    let Command::Run(run) = cli.command else {
        panic!("{cli:?}")
    };
    assert_eq!(
        (run.config.to_str(), run.workers),
        (Some("mesh.yaml"), Some(4))
    );
    assert_eq!(cli.log.as_deref(), Some("debug"));

    let cli = parse("wireloom demo").unwrap();
    let Command::Demo(demo) = cli.command else {
        panic!("{cli:?}")
    };
    assert_eq!(demo.listen.to_string(), "127.0.0.1:2045");
    assert_eq!(demo.admin.to_string(), "127.0.0.1:9901");
    assert!(!demo.once);

    let cli =
        parse("wireloom call dubbo://h:1/s/m [1] --timeout 250ms --header a=b=c -H d= -H e:f=g")
            .unwrap();
    let Command::Call(call) = cli.command else {
        panic!("{cli:?}")
    };
    assert_eq!(call.timeout.to_string(), "250ms");
    let headers: Vec<_> = call.headers.iter().map(|h| (&*h.name, &*h.value)).collect();
    assert_eq!(headers, [("a", "b=c"), ("d", ""), ("e", "f=g")]);
    assert_eq!(call.body.as_deref(), Some("[1]"));
}

#[test]
fn headers_may_look_like_those_of_http() {
    for (text, name, value) in [
        ("x-canary: true", "x-canary", "true"),
        ("x-time: 10:20 = now ", "x-time", "10:20 = now"),
        ("a= b:c", "a", " b:c"),
    ] {
        let header: crate::cli::Header = text.parse().unwrap();
        assert_eq!((&*header.name, &*header.value), (name, value));
    }
    assert!(": b".parse::<crate::cli::Header>().is_err());
}

#[test]
fn wrong_lines_say_what_would_be_right() {
    for (line, has) in [
        ("wireloom", "Usage"),
        ("wireloom chek f", "check"),
        ("wireloom run", "--config"),
        ("wireloom run -c f --workers 0", "1..=1024"),
        ("wireloom run -c f --log debgu", "trace"),
        ("wireloom call u --header nothing", "KEY=VALUE"),
        ("wireloom call u --timeout 5", "250ms"),
        ("wireloom demo --listen 2045", "the port is missing"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(has), "{line}: {error}");
    }
}

#[test]
fn help_has_examples_for_every_command() {
    for command in Cli::command().get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Examples:"), "{help}");
    }
    let help = Cli::command().render_long_help().to_string();
    assert!(
        help.contains("Exit codes:") && help.contains("wireloom demo"),
        "{help}"
    );
}
