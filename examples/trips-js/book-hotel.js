// An activity: books a room. Its execution's id keeps a repeated attempt from booking twice.
import { ask } from "./lib/service.js";

export default async function bookHotel(service, trip) {
  const headers = { "idempotency-key": obelisk.executionIdCurrent() };
  const { status, body } = await ask("POST", `${service}/book`, { body: trip, headers });
  if (status === 409) {
    throw { permanent_sold_out: trip.city }; // "permanent": trying again would not help
  }
  if (status !== 200) {
    throw { unavailable: `the hotel service answered ${status}` };
  }
  return body.reference;
}
