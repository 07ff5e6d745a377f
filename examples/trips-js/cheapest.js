// A workflow: asks for all prices at once and returns the best offer.
import { quoteSubmit } from "example:trips-js-obelisk-ext/activities";

export default function cheapest(service, cities) {
  const quotes = obelisk.createJoinSet({ name: "quotes" });
  for (const city of cities) {
    quoteSubmit(quotes, service, { city, nights: 1 });
  }
  const offers = cities.map(() => quotes.joinNext()); // in order of arrival
  if (offers.length === 0) {
    throw "there are no cities to choose from";
  }
  return offers.reduce((best, offer) => (offer.price < best.price ? offer : best));
}
