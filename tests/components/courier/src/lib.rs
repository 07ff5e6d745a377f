//! An activity that uses WASI, one thing a function.

use exports::test::courier::activity::{Guest, Message, Reply};
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::poll::{poll, Pollable};
use wasi::io::streams::{OutputStream, StreamError};
use wasi::random::random;
use wasi::sockets::{instance_network, ip_name_lookup, network, tcp_create_socket};

wit_bindgen::generate!({
    world: "test:courier/courier",
    path: [
        "../wit/deps/wasi-io", "../wit/deps/wasi-clocks", "../wit/deps/wasi-random",
        "../wit/deps/wasi-filesystem", "../wit/deps/wasi-sockets", "../wit/deps/wasi-cli",
        "../wit/deps/wasi-http", "../../../examples/wit/deps/obelisk-log", "wit",
    ],
    generate_all,
});

const MILLISECOND: u64 = 1_000_000;
const BLOCK: usize = 64 << 10;

struct Component;

type Headers = Vec<(String, String)>;

fn code(error: ErrorCode) -> String {
    format!("{error:?}")
}

fn stream_error(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(error) => match wasi::http::types::http_error_code(&error) {
            Some(found) => code(found),
            None => error.to_debug_string(),
        },
    }
}

fn fields(headers: &Headers) -> Result<Fields, String> {
    let entries: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    Fields::from_list(&entries).map_err(|error| format!("{error:?}"))
}

fn readable(fields: &Fields) -> Headers {
    fields
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
        .collect()
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        other => Method::Other(other.into()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    }
}

fn request(message: &Message) -> Result<OutgoingRequest, String> {
    let request = OutgoingRequest::new(fields(&message.headers)?);
    request
        .set_method(&method(&message.method))
        .map_err(|()| "method refused")?;
    request
        .set_scheme(Some(&scheme(&message.scheme)))
        .map_err(|()| "scheme refused")?;
    request
        .set_authority(Some(&message.authority))
        .map_err(|()| "authority refused")?;
    request
        .set_path_with_query(Some(&message.path))
        .map_err(|()| "path refused")?;
    Ok(request)
}

fn get(authority: &str, path: &str) -> Message {
    Message {
        method: "GET".into(),
        scheme: "http".into(),
        authority: authority.into(),
        path: path.into(),
        headers: vec![],
        chunks: None,
        trailers: vec![],
        early: false,
        finish: true,
        connect_timeout_ms: None,
        first_byte_timeout_ms: None,
        between_bytes_timeout_ms: None,
    }
}

fn write(body: OutgoingBody, message: &Message) -> Result<(), String> {
    let stream = body.write().map_err(|()| "no stream")?;
    for chunk in message.chunks.iter().flatten() {
        write_all(&stream, chunk.as_bytes()).map_err(stream_error)?;
    }
    drop(stream);
    if message.finish {
        let trailers = if message.trailers.is_empty() {
            None
        } else {
            Some(fields(&message.trailers)?)
        };
        OutgoingBody::finish(body, trailers).map_err(code)?;
    }
    Ok(())
}

fn write_all(stream: &OutputStream, mut data: &[u8]) -> Result<(), StreamError> {
    while !data.is_empty() {
        let room = stream.check_write()? as usize;
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (now, later) = data.split_at(room.min(data.len()));
        stream.write(now)?;
        data = later;
    }
    stream.blocking_flush()
}

fn options(message: &Message) -> RequestOptions {
    let options = RequestOptions::new();
    let duration = |ms: Option<u32>| ms.map(|ms| u64::from(ms) * MILLISECOND);
    let _ = options.set_connect_timeout(duration(message.connect_timeout_ms));
    let _ = options.set_first_byte_timeout(duration(message.first_byte_timeout_ms));
    let _ = options.set_between_bytes_timeout(duration(message.between_bytes_timeout_ms));
    options
}

fn send(message: &Message) -> Result<FutureIncomingResponse, String> {
    let request = request(message)?;
    let mut body = None;
    if message.chunks.is_some() {
        body = Some(request.body().map_err(|()| "body refused")?);
    }
    if message.early {
        if let Some(body) = body.take() {
            write(body, message)?;
        }
    }
    let future = outgoing_handler::handle(request, Some(options(message))).map_err(code)?;
    if let Some(body) = body {
        write(body, message)?;
    }
    Ok(future)
}

fn response(future: &FutureIncomingResponse) -> Result<IncomingResponse, String> {
    loop {
        match future.get() {
            Some(Ok(outcome)) => return outcome.map_err(code),
            Some(Err(())) => return Err("taken twice".into()),
            None => future.subscribe().block(),
        }
    }
}

fn read(response: IncomingResponse) -> Result<Reply, String> {
    let status = response.status();
    let headers = readable(&response.headers());
    let body = response.consume().map_err(|()| "consumed twice")?;
    drop(response);
    let stream = body.stream().map_err(|()| "streamed twice")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(BLOCK as u64) {
            Ok(data) => bytes.extend(data),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(stream_error(error)),
        }
    }
    drop(stream);
    let future = IncomingBody::finish(body);
    let trailers = loop {
        match future.get() {
            Some(outcome) => break outcome.map_err(|()| "trailers taken twice")?.map_err(code)?,
            None => future.subscribe().block(),
        }
    };
    Ok(Reply {
        status,
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        trailers: trailers.as_ref().map(readable).unwrap_or_default(),
    })
}

impl Guest for Component {
    fn fetch(message: Message) -> Result<Reply, String> {
        read(response(&send(&message)?)?)
    }

    fn fetch_head(message: Message) -> Result<u16, String> {
        Ok(response(&send(&message)?)?.status())
    }

    fn fetch_all(authority: String, paths: Vec<String>) -> Result<Vec<String>, String> {
        let mut open = Vec::new();
        for path in &paths {
            open.push((path.clone(), send(&get(&authority, path))?));
        }
        let mut answered = Vec::new();
        while !open.is_empty() {
            let pollables: Vec<Pollable> = open.iter().map(|(_, future)| future.subscribe()).collect();
            let ready = poll(&pollables.iter().collect::<Vec<_>>());
            drop(pollables);
            for index in ready.into_iter().rev() {
                let (path, future) = open.remove(index as usize);
                let reply = read(response(&future)?)?;
                answered.push(format!("{path} {}", reply.status));
            }
        }
        Ok(answered)
    }

    fn pump(authority: String, path: String, size: u64) -> Result<u64, String> {
        let mut message = get(&authority, &path);
        message.method = "POST".into();
        let request = request(&message)?;
        let body = request.body().map_err(|()| "body refused")?;
        let future = outgoing_handler::handle(request, None).map_err(code)?;
        let out = body.write().map_err(|()| "no stream")?;
        let block = vec![b'x'; BLOCK];
        let mut left = size;
        let mut incoming = None;
        let mut came = 0;
        let mut outgoing = Some((body, out));
        loop {
            // Whatever is possible, then wait for the next thing that is.
            if incoming.is_none() {
                if let Some(outcome) = future.get() {
                    let response = outcome.map_err(|()| "taken twice")?.map_err(code)?;
                    let body = response.consume().map_err(|()| "consumed twice")?;
                    let stream = body.stream().map_err(|()| "streamed twice")?;
                    incoming = Some((stream, body, response));
                }
            }
            if let Some((_, out)) = &outgoing {
                let room = out.check_write().map_err(stream_error)?.min(left).min(BLOCK as u64);
                if room > 0 {
                    out.write(&block[..room as usize]).map_err(stream_error)?;
                    left -= room;
                }
            }
            if left == 0 {
                if let Some((body, out)) = outgoing.take() {
                    drop(out);
                    OutgoingBody::finish(body, None).map_err(code)?;
                }
            }
            if let Some((stream, _, _)) = &incoming {
                match stream.read(BLOCK as u64) {
                    Ok(data) => came += data.len() as u64,
                    Err(StreamError::Closed) => return Ok(came),
                    Err(error) => return Err(stream_error(error)),
                }
            }
            let mut pollables = Vec::new();
            match &incoming {
                Some((stream, _, _)) => pollables.push(stream.subscribe()),
                None => pollables.push(future.subscribe()),
            }
            if let Some((_, out)) = &outgoing {
                pollables.push(out.subscribe());
            }
            poll(&pollables.iter().collect::<Vec<_>>());
        }
    }

    fn relay(authority: String, source: String, target: String) -> Result<u64, String> {
        let first = response(&send(&get(&authority, &source))?)?;
        let incoming = first.consume().map_err(|()| "consumed twice")?;
        let from = incoming.stream().map_err(|()| "streamed twice")?;
        let mut message = get(&authority, &target);
        message.method = "POST".into();
        let request = request(&message)?;
        let body = request.body().map_err(|()| "body refused")?;
        let future = outgoing_handler::handle(request, None).map_err(code)?;
        let to = body.write().map_err(|()| "no stream")?;
        loop {
            match to.blocking_splice(&from, BLOCK as u64) {
                Ok(_) => {}
                Err(StreamError::Closed) => break,
                Err(error) => return Err(stream_error(error)),
            }
        }
        drop((from, to));
        OutgoingBody::finish(body, None).map_err(code)?;
        Ok(read(response(&future)?)?.body.len() as u64)
    }

    fn post_secret(authority: String, variable: String) -> Result<u16, String> {
        let environment = environment::get_environment();
        let found = environment.into_iter().find(|(name, _)| *name == variable);
        let (_, placeholder) = found.ok_or("no such variable")?;
        let mut message = get(&authority, &format!("/?key={placeholder}"));
        message.method = "POST".into();
        message.headers = vec![
            ("authorization".into(), placeholder.clone()),
            ("content-type".into(), "text/plain".into()),
        ];
        message.chunks = Some(vec![placeholder]);
        let reply = read(response(&send(&message)?)?)?;
        write_all(&stdout::get_stdout(), format!("got {}\n", reply.body).as_bytes()).map_err(stream_error)?;
        obelisk::log::log::warn(&format!("got {}", reply.body));
        Ok(reply.status)
    }

    fn fields_rules() -> Result<Vec<String>, String> {
        let fields = Fields::new();
        let mut found = vec![
            format!("{:?}", fields.append("Transfer-Encoding", b"chunked")),
            format!("{:?}", fields.append("a b", b"x")),
            format!("{:?}", fields.append("a", b"x\r\ny: z")),
            format!("{:?}", fields.append("A", b"1").and(fields.append("a", b"2"))),
            format!("{:?}", fields.get("a")),
            format!("{:?}", fields.set("a", &[b"3".to_vec()])),
            format!("{:?} {:?}", fields.has("A"), fields.entries()),
        ];
        let copy = fields.clone();
        let request = OutgoingRequest::new(fields);
        let frozen = request.headers();
        found.push(format!("{:?}", frozen.append("b", b"x")));
        found.push(format!("{:?}", frozen.delete("a")));
        found.push(format!("{:?}", copy.delete("a")));
        Ok(found)
    }

    fn hoard(count: u32) -> Result<(), String> {
        for _ in 0..count {
            std::mem::forget(Fields::new());
        }
        Ok(())
    }

    fn print(out: String, err: String) -> Result<(), ()> {
        let (stdout, stderr) = (stdout::get_stdout(), stderr::get_stderr());
        write_all(&stdout, out.as_bytes()).map_err(drop)?;
        write_all(&stderr, err.as_bytes()).map_err(drop)
    }

    fn print_much(lines: u32) -> Result<(), ()> {
        let stdout = stdout::get_stdout();
        for number in 0..lines {
            write_all(&stdout, format!("line {number} {}\n", "x".repeat(80)).as_bytes()).map_err(drop)?;
        }
        Ok(())
    }

    fn environment() -> Result<Vec<(String, String)>, ()> {
        Ok(environment::get_environment())
    }

    fn arguments() -> Result<Vec<String>, ()> {
        let mut arguments = environment::get_arguments();
        arguments.extend(environment::initial_cwd());
        Ok(arguments)
    }

    fn sleep(milliseconds: u32) -> Result<(u64, u64), ()> {
        let began = monotonic_clock::now();
        monotonic_clock::subscribe_duration(u64::from(milliseconds) * MILLISECOND).block();
        Ok((wall_clock::now().seconds, monotonic_clock::now() - began))
    }

    fn random(count: u32) -> Result<Vec<u8>, ()> {
        Ok(random::get_random_bytes(count.into()))
    }

    fn exit(code: u8) -> Result<(), ()> {
        exit::exit_with_code(code);
        Ok(())
    }

    fn read_stdin() -> Result<(), String> {
        stdin::get_stdin().blocking_read(1).map(drop).map_err(stream_error)
    }

    fn open_socket() -> Result<(), String> {
        tcp_create_socket::create_tcp_socket(network::IpAddressFamily::Ipv4)
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    }

    fn resolve(name: String) -> Result<(), String> {
        ip_name_lookup::resolve_addresses(&instance_network::instance_network(), &name)
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    }

    fn directories() -> Result<u32, ()> {
        Ok(preopens::get_directories().len() as u32)
    }

    fn poll_nothing() -> Result<(), ()> {
        poll(&[]);
        Ok(())
    }
}

export!(Component);
