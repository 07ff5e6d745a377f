// Files of one component import each other by relative path.
export async function getJson(url) {
  const response = await fetch(url, { headers: { accept: "application/json" } });
  return { status: response.status, body: response.ok ? await response.json() : null };
}
