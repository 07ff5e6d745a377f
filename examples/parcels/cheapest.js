// A workflow: asks for all cities at once, and takes the best price that is there when the time is over. Every call is in
// the log, so that after a crash it goes on where it was.
import { quoteSubmit } from "example:parcels-obelisk-ext/carrier";

export default function cheapest(base, cities, patienceMs) {
  const quotes = obelisk.createJoinSet({ name: "quotes" });
  const cityOf = new Map(cities.map((city) => [quoteSubmit(quotes, base, city), city]));
  const deadline = quotes.submitDelay({ milliseconds: patienceMs });

  let best;
  for (let open = cities.length; open > 0; ) {
    try {
      const cents = quotes.joinNext();
      if (quotes.lastId === deadline) {
        console.warn(`${open} of ${cities.length} prices did not come in time`);
        break;
      }
      if (best === undefined || cents < best.cents) {
        best = { city: cityOf.get(quotes.lastId), cents };
      }
    } catch (error) {
      if (!(error instanceof obelisk.ChildError)) throw error;
      console.warn(`no price for ${cityOf.get(error.childId)}: ${JSON.stringify(error.value)}`);
    }
    open -= 1;
  }
  quotes.close(); // cancels what is still open
  if (best === undefined) {
    throw "there is no price at all";
  }
  return best;
}
