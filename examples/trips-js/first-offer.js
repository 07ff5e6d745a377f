// A workflow: the hotels race against a timer; the first offer wins, or none.
import { quoteSubmit } from "example:trips-js-obelisk-ext/activities";

export default function firstOffer(service, cities, patienceMs) {
  const offers = obelisk.createJoinSet({ name: "offers" });
  for (const city of cities) {
    quoteSubmit(offers, service, { city, nights: 1 });
  }
  const patience = offers.submitDelay({ milliseconds: patienceMs });
  try {
    for (let open = cities.length; open > 0; open -= 1) {
      try {
        const offer = offers.joinNext();
        return offers.lastId === patience ? "nobody answered in time" : `${offer.city} was first`;
      } catch (error) {
        if (!(error instanceof obelisk.ChildError)) throw error;
        // That hotel failed for good; another one may answer.
      }
    }
    return "nobody has an offer";
  } finally {
    offers.close(); // cancels what is still open
  }
}
