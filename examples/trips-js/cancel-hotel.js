// An activity: gives a room back.
import { ask } from "./lib/service.js";

export default async function cancelHotel(service, reference) {
  const { status } = await ask("DELETE", `${service}/book/${encodeURIComponent(reference)}`);
  if (status !== 200) {
    throw `the hotel service answered ${status}`;
  }
}
