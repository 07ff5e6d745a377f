//! Answers requests, well or badly, as the path says.

use exports::wasi::http::incoming_handler::Guest;
use wasi::clocks::monotonic_clock;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasi::io::streams::{InputStream, OutputStream, StreamError};

wit_bindgen::generate!({
    world: "test:answerer/answerer",
    path: [
        "../wit/deps/wasi-io", "../wit/deps/wasi-clocks", "../wit/deps/wasi-random",
        "../wit/deps/wasi-cli", "../wit/deps/wasi-http", "wit",
    ],
    generate_all,
});

const BLOCK: usize = 64 << 10;
const DAY: u64 = 86_400_000_000_000;

struct Component;

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        match path {
            // The request as it came, its body and its trailers back.
            "/echo" => echo(&request, out),
            // So many bytes.
            "/flood" => flood(out, query.parse().unwrap()),
            // How many bytes came.
            "/count" => count(&request, out),
            // Hints before the answer.
            "/hints" => hints(out),
            // An error in place of an answer.
            "/error" => ResponseOutparam::set(out, Err(ErrorCode::HttpUpgradeFailed)),
            // No answer.
            "/silent" => (),
            // Death before the answer, or behind its first bytes.
            "/trap" => panic!(),
            "/trap-late" => {
                let _body = start(out, &[], b"some");
                panic!()
            }
            // A body that is given up, or is not as long as its header says.
            "/half" => drop(start(out, &[], b"some")),
            "/short" => {
                let body = start(out, &[("content-length", "10")], b"some");
                assert!(matches!(
                    OutgoingBody::finish(body, None),
                    Err(ErrorCode::HttpResponseBodySize(_))
                ));
            }
            // An answer that is dropped: what is written to it goes nowhere.
            "/dropped" => dropped(out),
            // Work that goes on behind the answer.
            "/after" => {
                let body = start(out, &[], b"some");
                OutgoingBody::finish(body, None).unwrap();
                monotonic_clock::subscribe_duration(query.parse().unwrap()).block();
            }
            // Waiting, or computing, without end.
            "/wait" => monotonic_clock::subscribe_duration(DAY).block(),
            "/spin" => loop {
                std::hint::black_box(path);
            },
            _ => {
                let response = OutgoingResponse::new(Fields::new());
                response.set_status_code(404).unwrap();
                ResponseOutparam::set(out, Ok(response));
            }
        }
    }
}

fn start(out: ResponseOutparam, headers: &[(&str, &str)], data: &[u8]) -> OutgoingBody {
    let entries: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let response = OutgoingResponse::new(Fields::from_list(&entries).unwrap());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    if !data.is_empty() {
        body.write().unwrap().blocking_write_and_flush(data).unwrap();
    }
    body
}

fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let method = match request.method() {
        Method::Get => "GET".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Other(name) => name,
        other => format!("{other:?}"),
    };
    let scheme = match request.scheme() {
        Some(Scheme::Http) => "http",
        Some(Scheme::Https) => "https",
        _ => "?",
    };
    let mut headers = vec![
        ("x-method".to_owned(), method.into_bytes()),
        ("x-scheme".to_owned(), scheme.into()),
        ("x-authority".to_owned(), request.authority().unwrap_or_default().into()),
        ("x-path".to_owned(), request.path_with_query().unwrap_or_default().into()),
    ];
    headers.extend(request.headers().entries().into_iter().filter(|(name, _)| name.starts_with("x-")));
    let response = OutgoingResponse::new(Fields::from_list(&headers).unwrap());
    response.set_status_code(201).unwrap();
    let target = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));

    let source = request.consume().unwrap();
    {
        let (input, output) = (source.stream().unwrap(), target.write().unwrap());
        copy(&input, &output).unwrap();
    }
    let future = IncomingBody::finish(source);
    future.subscribe().block();
    let trailers = future.get().unwrap().unwrap().unwrap();
    OutgoingBody::finish(target, trailers).unwrap();
}

fn copy(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match output.blocking_splice(input, BLOCK as u64) {
            Ok(_) => (),
            Err(StreamError::Closed) => return output.blocking_flush(),
            Err(error) => return Err(error),
        }
    }
}

fn flood(out: ResponseOutparam, mut size: u64) {
    let body = start(out, &[], b"");
    {
        let stream = body.write().unwrap();
        let block = vec![b'x'; BLOCK];
        while size > 0 {
            let Ok(room) = stream.check_write() else { return };
            if room == 0 {
                stream.subscribe().block();
                continue;
            }
            let length = size.min(room).min(BLOCK as u64);
            if stream.write(&block[..length as usize]).is_err() {
                return;
            }
            size -= length;
        }
    }
    OutgoingBody::finish(body, None).unwrap();
}

fn count(request: &IncomingRequest, out: ResponseOutparam) {
    let body = request.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut size = 0;
    let text = loop {
        match stream.blocking_read(BLOCK as u64) {
            Ok(data) => size += data.len(),
            Err(StreamError::Closed) => break size.to_string(),
            Err(StreamError::LastOperationFailed(error)) => {
                break format!("{size} {:?}", wasi::http::types::http_error_code(&error));
            }
        }
    };
    let body = start(out, &[], text.as_bytes());
    OutgoingBody::finish(body, None).unwrap();
}

fn hints(out: ResponseOutparam) {
    let link = Fields::from_list(&[("link".to_owned(), b"</a.css>".to_vec())]).unwrap();
    out.send_informational(103, link).unwrap();
    assert!(matches!(
        out.send_informational(200, Fields::new()),
        Err(ErrorCode::HttpProtocolError)
    ));
    let body = start(out, &[], b"hinted");
    OutgoingBody::finish(body, None).unwrap();
}

fn dropped(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    let stream = body.write().unwrap();
    drop(response);
    let text = match stream.check_write() {
        Err(StreamError::Closed) => "closed",
        _ => "open",
    };
    drop(stream);
    drop(body);
    let body = start(out, &[], text.as_bytes());
    OutgoingBody::finish(body, None).unwrap();
}

export!(Component);
