// An activity: asks a carrier's server for a price. It runs again after an error, up to max_retries of its entry.
import { getJson } from "./lib/http.js";

export default async function quote(base, city) {
  const { status, body } = await getJson(`${base}/quote?city=${encodeURIComponent(city)}`);
  if (status === 404) {
    // A case whose name says "permanent" is not tried again.
    throw { permanent_no_such_city: city };
  }
  if (status !== 200) {
    throw { unavailable: `the carrier answered ${status}` };
  }
  console.log(`${city}: ${body.cents} cents`);
  return body.cents;
}
