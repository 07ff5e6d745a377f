// Files of one component import each other by relative path.
export async function ask(method, url, { body, headers } = {}) {
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, body: response.ok ? await response.json() : null };
}
