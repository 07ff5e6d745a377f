// An activity: asks the hotel service for a price. What it throws is its error, and it runs again.
import { ask } from "./lib/service.js";

export default async function quote(service, trip) {
  const query = new URLSearchParams({ city: trip.city, nights: trip.nights });
  const { status, body } = await ask("GET", `${service}/quote?${query}`);
  if (status !== 200) {
    throw `the hotel service answered ${status}`;
  }
  return { city: trip.city, price: body.price };
}
