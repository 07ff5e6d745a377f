//! A webhook endpoint: its route's parameter `op` says what it does with a request.

use exports::wasi::http::incoming_handler::Guest;
use obelisk::log::log;
use obelisk::signal::signal_support;
use obelisk::types::execution::{ExecutionId, Function};
use obelisk::types::time::ScheduleAt;
use obelisk::webhook::webhook_support as host;
use test::probe::activity::add;
use test::probe_obelisk_schedule::activity::add_schedule;
use wasi::cli::{environment, stdout};
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

wit_bindgen::generate!({
    world: "test:doorman/doorman",
    path: [
        "../wit/deps/wasi-io", "../wit/deps/wasi-clocks", "../wit/deps/wasi-random",
        "../wit/deps/wasi-cli", "../wit/deps/wasi-http",
        "../../../examples/wit/deps/obelisk-types", "../../../examples/wit/deps/obelisk-log",
        "../../../examples/wit/deps/obelisk-signal", "../wit/deps/obelisk-webhook", "../probe/wit", "../wit/deps/test-probe-obelisk-schedule",
        "wit",
    ],
    generate_all,
});

struct Component;

fn variable(name: &str) -> String {
    environment::get_environment()
        .into_iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
        .unwrap_or_default()
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(name);
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn read_all(stream: &InputStream) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(data) => all.extend(data),
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

fn body_of(request: &IncomingRequest) -> Result<String, String> {
    let body = request.consume().map_err(|()| "consumed".to_string())?;
    let stream = body.stream().map_err(|()| "streamed".to_string())?;
    Ok(String::from_utf8_lossy(&read_all(&stream)?).into_owned())
}

/// Sends a head and returns the body with its stream.
fn begin(out: ResponseOutparam, status: u16, headers: &[(String, Vec<u8>)]) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(Fields::from_list(headers).expect("valid headers"));
    response.set_status_code(status).expect("a valid status");
    let body = response.body().expect("the first");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("the first");
    (body, stream)
}

fn write(stream: &OutputStream, mut data: &[u8]) -> bool {
    while !data.is_empty() {
        let (now, later) = data.split_at(data.len().min(4096));
        if stream.blocking_write_and_flush(now).is_err() {
            return false;
        }
        data = later;
    }
    true
}

fn answer(out: ResponseOutparam, status: u16, text: &str) {
    let (body, stream) = begin(out, status, &[("content-type".into(), b"text/plain".to_vec())]);
    write(&stream, text.as_bytes());
    drop(stream);
    OutgoingBody::finish(body, None).expect("finished");
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("the first");
    let input = incoming.stream().expect("the first");
    let (body, stream) = begin(out, 200, &[]);
    loop {
        match input.blocking_read(16 << 10) {
            Ok(data) => {
                if !write(&stream, &data) {
                    return;
                }
            }
            Err(_) => break,
        }
    }
    drop(stream);
    OutgoingBody::finish(body, None).expect("finished");
}

fn flood(out: ResponseOutparam) {
    let (body, stream) = begin(out, 200, &[]);
    let block = vec![b'.'; 4096];
    while write(&stream, &block) {}
    drop(stream);
    drop(body);
}

fn fetch(request: &IncomingRequest) -> Result<String, String> {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).map_err(|()| "scheme")?;
    outgoing.set_authority(Some(&header(request, "x-authority"))).map_err(|()| "authority")?;
    outgoing.set_path_with_query(Some("/fetched")).map_err(|()| "path")?;
    let future = outgoing_handler::handle(outgoing, None).map_err(|error| format!("{error:?}"))?;
    future.subscribe().block();
    let response = future.get().ok_or("not ready")?.map_err(|()| "taken")?.map_err(|error| format!("{error:?}"))?;
    let body = response.consume().map_err(|()| "consumed")?;
    let stream = body.stream().map_err(|()| "streamed")?;
    let text = String::from_utf8_lossy(&read_all(&stream)?).into_owned();
    Ok(format!("{} {text}", response.status()))
}

fn function(request: &IncomingRequest) -> Function {
    Function {
        interface_name: header(request, "x-interface"),
        function_name: header(request, "x-function"),
    }
}

fn describe(request: &IncomingRequest) -> String {
    let method = match request.method() {
        Method::Get => "GET".into(),
        Method::Post => "POST".into(),
        other => format!("{other:?}"),
    };
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http",
        _ => "other",
    };
    let mut lines = vec![format!(
        "{method} {scheme} {} {}",
        request.authority().unwrap_or_default(),
        request.path_with_query().unwrap_or_default()
    )];
    let mut variables = environment::get_environment();
    variables.sort();
    lines.extend(variables.into_iter().map(|(key, value)| format!("{key}={value}")));
    lines.push(format!("x-shown={}", header(request, "x-shown")));
    lines.join("\n")
}

fn reply(request: &IncomingRequest, op: &str) -> Result<String, String> {
    let id = ExecutionId { id: variable("id") };
    Ok(match op {
        "hello" => "hello".into(),
        "describe" => describe(request),
        "length" => body_of(request)?.len().to_string(),
        "log" => {
            log::info("somebody is at the door");
            log::debug("and waits");
            "logged".into()
        }
        "print" => {
            stdout::get_stdout().blocking_write_and_flush(b"printed\n").map_err(|error| format!("{error:?}"))?;
            "printed".into()
        }
        "id" => host::execution_id_current().id,
        "call" => {
            let sum = add(20, 22);
            let last = host::last_direct_call_id().map(|last| last.id).unwrap_or_default();
            format!("{sum:?} {last}")
        }
        "call-json" => format!("{:?}", host::call_json(&function(request), &body_of(request)?)),
        "schedule" => add_schedule(ScheduleAt::Now, 1, 2).id,
        "schedule-json" => {
            let id = match header(request, "x-id") {
                given if given.is_empty() => host::execution_id_generate(),
                id => ExecutionId { id },
            };
            let params = body_of(request)?;
            match host::schedule_json(&id, ScheduleAt::Now, &function(request), &params) {
                Ok(()) => id.id,
                Err(error) => format!("{error:?}"),
            }
        }
        "status" => format!("{:?}", host::get_status(&id)),
        "get" => format!("{:?}", host::get(&id)),
        "try-get" => format!("{:?}", host::try_get(&id)),
        "failure-kind" => format!("{:?}", host::get_execution_failure_kind(&id)),
        "signal" => {
            let signal_id = Some(header(request, "x-signal-id")).filter(|given| !given.is_empty());
            let payload = body_of(request)?;
            format!("{:?}", signal_support::send_json(&id, &header(request, "x-signal"), &payload, signal_id.as_deref()))
        }
        "fetch" => fetch(request)?,
        _ => return Err(format!("there is no {op}")),
    })
}

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let op = variable("op");
        match op.as_str() {
            "echo" => echo(request, out),
            "flood" => flood(out),
            "panic" => panic!(),
            "spin" => loop {
                std::hint::black_box(());
            },
            "silent" => {}
            "error-code" => ResponseOutparam::set(out, Err(ErrorCode::LoopDetected)),
            "cut-off" => {
                let (_body, stream) = begin(out, 200, &[("content-length".into(), b"100".to_vec())]);
                write(&stream, b"not all of it");
                panic!();
            }
            "empty" => {
                let response = OutgoingResponse::new(Fields::new());
                response.set_status_code(204).expect("a valid status");
                ResponseOutparam::set(out, Ok(response));
            }
            _ => match reply(&request, &op) {
                Ok(text) => answer(out, 200, &text),
                Err(text) => answer(out, 400, &text),
            },
        }
    }
}

export!(Component);
